import Concurrency
package import Processes

/// A child that a test needs while it runs, started by the room Processes. Foundation's `Process` is not used: it
/// lost the end of a child and waited for ever.
package enum TestChild {
  /// Starts a child, waits for the line that says it is ready, and ends it whatever the test does.
  /// - Parameters:
  ///   - ready: what the line that says it is ready tells; nil for every other line.
  ///   - body: the test, given what that line told.
  /// - Throws: `ProcessError` when it cannot be started, or ends without having been ready; what `body` throws;
  ///   `CancellationError` when the task is cancelled while it waits.
  package static func with<Ready: Sendable>(
    _ specification: ProcessSpecification, ready: @escaping @Sendable (String) -> Ready?,
    _ body: (Ready) async throws -> Void
  ) async throws {
    let (answers, answer) = AsyncStream.makeStream(of: Ready.self)
    let printed = Locked<[String]>([])
    let process = try Launcher().start(specification) { line in
      printed.withLock { $0.append(line.text) }
      if let found = ready(line.text) { answer.yield(found) }
    }
    let watch = Task {
      _ = await process.wait()
      answer.finish()
    }
    do {
      var waiting = answers.makeAsyncIterator()
      guard let found = await waiting.next() else {
        try Task.checkCancellation()
        let lines = printed.withLock { $0.suffix(20).joined(separator: "\n") }
        throw ProcessError(
          code: .other, description: "\(specification.program) ended before it was ready: \(lines)")
      }
      try await body(found)
    } catch {
      await end(process, watch)
      throw error
    }
    await end(process, watch)
  }

  // Without a rung the ladder is SIGKILL at once.
  private static func end(_ process: RunningProcess, _ watch: Task<Void, Never>) async {
    _ = await process.stop(StopLadder([]))
    await watch.value
  }
}
