//! What several tests need.

/// Whether what is kept is to be written anew: `BLESS=1`, which is refused in continuous integration.
pub fn blessing() -> bool {
    let bless = std::env::var_os("BLESS").is_some();
    assert!(!bless || std::env::var_os("CI").is_none(), "nothing is blessed where CI is set");
    bless
}
