//! Work on many files at once, on every core, with the results in the order of the files.

use std::sync::OnceLock;

use rayon::ThreadPool;
use rayon::prelude::*;

/// Fewer than this are done by the thread that asks: threads take longer to start than a few files do.
const FEW: usize = 4;

/// What a thread's stack holds: as much as that of a program's first thread, since what is nested as deeply is read in
/// either.
const STACK: usize = 8 << 20;

/// No thread takes more items than this at once, so that none waits long for the last one to end.
const AT_ONCE: usize = 4;

/// `work` of every item.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let pool = if items.len() < FEW { None } else { pool() };
    match pool {
        Some(pool) => pool.install(|| items.into_par_iter().with_max_len(AT_ONCE).map(&work).collect()),
        None => items.into_iter().map(work).collect(),
    }
}

/// The threads, started when they are first needed; `None` where the system gives none.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().stack_size(STACK).build().ok()).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for count in [0, 1, FEW - 1, FEW, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(items, |item| 2 * item), (0..count).map(|it| 2 * it).collect::<Vec<_>>());
        }
    }
}
