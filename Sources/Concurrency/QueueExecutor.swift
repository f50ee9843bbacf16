package import Dispatch

/// Runs an actor on a dispatch queue of its own, so that calls into a C library that block hold up no
/// other task. `DispatchSerialQueue` does not exist on Linux.
package final class QueueExecutor: SerialExecutor {
  /// Where the actor runs; also for work that has to be done before the actor exists.
  package let queue: DispatchQueue

  package init(label: String) {
    queue = DispatchQueue(label: label)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
