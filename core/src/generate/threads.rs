//! [`Threads`]: a pool of threads that are gone when it is.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A pool of our own: the global one belongs to the host program. Dropping it waits until its threads have ended, for a
/// host may unload the code that they run (but for a drop on one of those threads).
pub(super) struct Threads {
    /// `None` only while it is dropped.
    pool: Option<ThreadPool>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// # Errors
    /// The machine gives no more threads.
    pub(super) fn new(num_threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let handles = Mutex::new(Vec::new());
        let spawn = |thread: ThreadBuilder| {
            let name = format!("brownian-{}", thread.index());
            let handle = thread::Builder::new().name(name).spawn(|| thread.run())?;
            handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
            Ok(())
        };
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).spawn_handler(spawn).build()?;
        Ok(Self { pool: Some(pool), handles: handles.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Run `work` on one of the threads; parallel iterators in it take all of them.
    pub(super) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            // Not before it is dropped.
            None => work(),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The pool tells its threads to end when it goes.
        drop(self.pool.take());
        let this = thread::current().id();
        // On one of its own threads it cannot wait: they end when the work that dropped it does.
        if self.handles.iter().any(|handle| handle.thread().id() == this) {
            return;
        }
        for handle in self.handles.drain(..) {
            // A panic was passed on by `install` already.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts the threads that have ended: a thread drops its locals when it ends.
    struct Ended(Arc<AtomicUsize>);

    impl Drop for Ended {
        fn drop(&mut self) {
            std::thread::sleep(std::time::Duration::from_millis(20));
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    thread_local! {
        static LOCAL: std::cell::RefCell<Option<Ended>> = const { std::cell::RefCell::new(None) };
    }

    #[test]
    fn no_thread_outlives_its_pool() {
        let ended = Arc::new(AtomicUsize::new(0));
        let threads = Threads::new(3).unwrap();
        threads.install(|| rayon::broadcast(|_| LOCAL.set(Some(Ended(ended.clone())))));
        assert_eq!(ended.load(Ordering::SeqCst), 0);
        drop(threads);
        assert_eq!(ended.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_pool_may_end_on_one_of_its_own_threads() {
        let threads = Arc::new(Threads::new(2).unwrap());
        let (inner, (done, wait)) = (threads.clone(), std::sync::mpsc::channel());
        if let Some(pool) = &threads.pool {
            pool.spawn(move || {
                // The last to hold it, once the test has let go.
                while Arc::strong_count(&inner) > 1 {
                    std::thread::yield_now();
                }
                drop(inner);
                done.send(()).unwrap();
            });
        }
        drop(threads);
        wait.recv().unwrap();
    }
}
