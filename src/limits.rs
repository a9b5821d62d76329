//! What the process may use: memory, and threads.

use anyhow::{Result, anyhow};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use tilewright_compiler::memory;

/// Threads for each processor, at most: more only take memory.
const THREADS: usize = 4;

/// Sets the budget of memory, `given` or what the machine and its limits leave, and starts the threads.
///
/// # Errors
/// Threads that cannot be started.
pub fn set(given: Option<u64>) -> Result<()> {
    memory::set_limit(given.unwrap_or_else(|| memory::DEFAULT.min(machine())));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted =
        std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|&n: &usize| n > 0);
    let threads = wanted.unwrap_or(processors).min(THREADS * processors);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|e| {
        anyhow!("error[threads]: {threads} threads cannot be started: {e}; try: RAYON_NUM_THREADS=1")
    })
}

/// Nine tenths of the memory that the machine, the control group and the address space allow.
fn machine() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().ok();
    let meminfo = read("/proc/meminfo");
    let physical = word_after(&meminfo, "MemTotal:").and_then(number).map(|kilobytes| kilobytes << 10);
    let group = number(read("/sys/fs/cgroup/memory.max").trim());
    let limits = read("/proc/self/limits");
    let space = word_after(&limits, "Max address space").and_then(number);
    let least = [physical, group, space].into_iter().flatten().min().unwrap_or(u64::MAX);
    least / 10 * 9
}

/// The word that follows `label` in `text`.
fn word_after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.split_once(label)?.1.split_whitespace().next()
}

/// The allocator: the system's, which ends the process in order when the budget is used up.
///
/// What a file declares is refused with its place before it is allocated ([`memory::check`]); this is for
/// what nobody foresaw. Only large pieces are counted: they are what memory goes to, and few.
pub struct Budgeted;

/// Bytes from which on a piece of memory is counted.
const LARGE: usize = 1 << 16;

/// Bytes in large pieces.
static USED: AtomicU64 = AtomicU64::new(0);

/// Counts `bytes` more.
fn take(bytes: usize) {
    if bytes >= LARGE {
        let used = USED.fetch_add(bytes as u64, Ordering::Relaxed).saturating_add(bytes as u64);
        if used > memory::limit() {
            exhausted(bytes);
        }
    }
}

fn give_back(bytes: usize) {
    if bytes >= LARGE {
        USED.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}

/// Ends the process with a message that needs no memory.
fn exhausted(bytes: usize) -> ! {
    let mut text = [0u8; 200];
    let mut rest = &mut text[..];
    let (wanted, used) = (bytes >> 10, USED.load(Ordering::Relaxed) >> 10);
    let _ = writeln!(
        rest,
        "error[memory]: {wanted} KiB more are wanted, {used} KiB in all, the limit is {} KiB; try: a smaller input or model, or a higher --memory-limit",
        memory::limit() >> 10
    );
    let left = rest.len();
    let length = text.len() - left;
    let _ = std::io::stderr().write_all(&text[..length]);
    std::process::exit(1)
}

fn checked(place: *mut u8, bytes: usize) -> *mut u8 {
    if place.is_null() {
        exhausted(bytes);
    }
    place
}

// SAFETY: every request goes to the system's allocator as it is; what comes back is what it gave.
unsafe impl GlobalAlloc for Budgeted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator wants.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as above.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        give_back(layout.size());
        take(size);
        // SAFETY: as above.
        checked(unsafe { System.realloc(place, layout, size) }, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        assert_eq!(word_after("MemFree: 1 kB\nMemTotal:   24 kB\n", "MemTotal:"), Some("24"));
        assert_eq!(
            word_after("Max address space   unlimited  bytes", "Max address space"),
            Some("unlimited")
        );
        assert_eq!(word_after("", "MemTotal:"), None);
        assert!(machine() > 1 << 20);
    }
}
