//! Progress on standard error.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Says what is being done while `work` runs: a spinner on a terminal, a line elsewhere.
pub fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::new_spinner().with_message(what.to_string());
    if bar.is_hidden() {
        eprintln!("{what}");
    } else {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    let done = work();
    bar.finish_and_clear();
    done
}

/// A bar over `total` things, hidden where there is no terminal.
pub fn bar(what: &str, total: usize) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}").expect("the template is constant");
    let bar = ProgressBar::new(total as u64).with_style(style).with_message(what.to_string());
    if bar.is_hidden() {
        eprintln!("{what}");
    }
    bar
}
