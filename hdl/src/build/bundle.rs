//! Bundles: signals that pass together from block to block, by the same names everywhere.

use super::{Expr, Instance, Sig};

/// A struct of signals whose fields are the names of ports. `T` is a [`Sig`] or an [`Expr`].
pub(crate) trait Bundle<T>: Sized {
    /// Each signal made from its name, in order.
    fn each(signal: impl FnMut(&'static str) -> T) -> Self;

    /// The signals with their names, in order.
    fn named(self) -> Vec<(&'static str, T)>;

    /// Outputs of a placed block.
    fn of(block: &Instance) -> Self
    where
        T: From<Sig>,
    {
        Self::each(|name| block.out(name).into())
    }

    /// Connections to a block's inputs.
    fn ports(self) -> Vec<(&'static str, Expr)>
    where
        T: Into<Expr>,
    {
        self.named().into_iter().map(|(name, signal)| (name, signal.into())).collect()
    }
}

/// Defines a struct of signals that is a [`Bundle`](crate::build::Bundle).
macro_rules! bundle {
    ($(#[$doc:meta])* $visible:vis struct $name:ident { $($(#[$of:meta])* $signal:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $visible struct $name<T> {
            $($(#[$of])* pub $signal: T),+
        }

        impl<T> $crate::build::Bundle<T> for $name<T> {
            fn each(mut signal: impl FnMut(&'static str) -> T) -> Self {
                $name { $($signal: signal(stringify!($signal))),+ }
            }

            fn named(self) -> Vec<(&'static str, T)> {
                vec![$((stringify!($signal), self.$signal)),+]
            }
        }
    };
}
pub(crate) use bundle;
