//! tilewright
