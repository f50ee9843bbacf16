/// Starts children, each in a process group of its own.
package struct Launcher: Sendable {
  package init() {}

  /// Runs a child to its end. On cancellation of the task the child is stopped by its ladder first.
  /// - Parameters:
  ///   - timeout: after it the child is stopped and `timedOut` set.
  ///   - onLine: called for every line of both streams as it arrives.
  /// - Throws: `ProcessError` when it cannot be started; `CancellationError`.
  package func run(
    _ specification: ProcessSpecification, timeout: Duration? = nil,
    onLine: (@Sendable (ProcessLine) -> Void)? = nil
  ) async throws -> ProcessResult {
    throw ProcessError(code: .other, description: "not written yet")
  }

  /// Starts a child that lives on: a service of the twin.
  /// - Throws: `ProcessError` when it cannot be started.
  package func start(
    _ specification: ProcessSpecification, onLine: @escaping @Sendable (ProcessLine) -> Void
  ) throws -> RunningProcess {
    throw ProcessError(code: .other, description: "not written yet")
  }
}

/// A child that lives on.
package final class RunningProcess: Sendable {
  /// The process id, which is also its group's.
  package let id: Int32

  init(id: Int32) {
    self.id = id
  }

  /// Waits for the end. Several tasks may wait.
  package func wait() async -> ProcessExit { .code(0) }

  /// Signals the whole group; nothing happens when it has ended.
  package func signal(_ signal: Int32) {}

  /// Stops the group by a ladder and waits for the end.
  package func stop(_ ladder: StopLadder) async -> ProcessExit { .code(0) }
}
