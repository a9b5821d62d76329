//! Progress on standard error: a bar or a message that goes away on a terminal, a line elsewhere.
//!
//! Nothing is drawn but when something is done: there is no thread that ticks.

use crate::output::note;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);

/// Whether nothing is said from now on.
pub fn quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Says what is being done while `work` runs.
pub fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if is_quiet() {
        return work();
    }
    let style = ProgressStyle::with_template("{msg} ...").expect("the template is constant");
    let message = ProgressBar::new_spinner().with_style(style).with_message(what.to_string());
    if message.is_hidden() {
        note!("{what}");
    }
    message.tick();
    let done = work();
    message.finish_and_clear();
    done
}

/// A bar over `total` things, hidden where there is no terminal.
pub fn bar(what: &str, total: usize) -> ProgressBar {
    if is_quiet() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}").expect("the template is constant");
    let bar = ProgressBar::new(total as u64).with_style(style).with_message(what.to_string());
    if bar.is_hidden() {
        note!("{what}");
    }
    bar
}

/// A [`bar`] while `work` runs, which says how many things are done, and of how many.
pub fn counted<T>(what: &str, work: impl FnOnce(&(dyn Fn(usize, usize) + Sync)) -> T) -> T {
    let bar = bar(what, 0);
    let done = work(&|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    done
}
