//! The worker must not take time from the threads that play.

/// Lowers the priority of this thread, and so of those that it starts. Where the system refuses or is not one of those
/// below, nothing changes.
pub(super) fn lower() {
    #[cfg(target_os = "linux")]
    // SAFETY: a system call on plain numbers. On Linux 0 means the calling thread, and threads inherit their niceness.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
    #[cfg(target_os = "macos")]
    // SAFETY: a call on plain numbers that concerns the calling thread alone.
    unsafe {
        libc::pthread_set_qos_class_self_np(libc::qos_class_t::QOS_CLASS_UTILITY, 0);
    }
}

/// Half of the way to the lowest priority: still served on a busy machine.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn only_the_thread_that_asks_and_those_it_starts_step_back() {
        // SAFETY: a system call on plain numbers.
        let niceness = || unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        let before = niceness();
        let thread = std::thread::spawn(move || {
            super::lower();
            (niceness(), std::thread::spawn(niceness).join().unwrap())
        });
        assert_eq!(thread.join().unwrap(), (super::NICENESS, super::NICENESS));
        assert_eq!(niceness(), before);
    }
}
