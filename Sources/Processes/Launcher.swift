import CSystem
import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Starts children, each in a process group of its own.
///
/// Whatever is left of a group is killed when its leader ends. Children inherit no descriptor but
/// their three standard ones, no signal disposition and no variable. Lines are delivered on one
/// background thread shared by all children of the launcher: a receiver must not block.
package struct Launcher: Sendable {
  private let watcher = ChildWatcher()

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
    try Task.checkCancellation()
    let child = try launch(
      specification, outputLimit: specification.outputLimit, timeout: timeout, onLine: onLine)
    let end = await withTaskCancellationHandler {
      await child.end()
    } onCancel: {
      watcher.stop(child, by: nil, because: .cancelled)
    }
    if end.stopCause == .cancelled { throw CancellationError() }
    return ProcessResult(
      exit: end.exit, output: end.output, errorOutput: end.errorOutput,
      timedOut: end.stopCause == .timeout, truncated: end.truncated)
  }

  /// Starts a child that lives on: a service of the twin. Its output is not kept, only told by lines.
  /// - Throws: `ProcessError` when it cannot be started.
  package func start(
    _ specification: ProcessSpecification, onLine: @escaping @Sendable (ProcessLine) -> Void
  ) throws -> RunningProcess {
    let child = try launch(specification, outputLimit: 0, timeout: nil, onLine: onLine)
    return RunningProcess(child, watcher)
  }

  private func launch(
    _ specification: ProcessSpecification, outputLimit: Int, timeout: Duration?,
    onLine: (@Sendable (ProcessLine) -> Void)?
  ) throws -> Child {
    var pipes = try ChildDescriptors(withInput: !specification.input.isEmpty)
    defer { pipes.closeTheirs() }
    let process: pid_t
    do {
      process = try spawn(specification, pipes)
    } catch {
      pipes.closeOurs()
      throw error
    }
    do {
      let handle = try ExitHandle(process: process)
      let child = Child(
        id: watcher.nextID(), process: process, exitHandle: handle,
        input: ChildInput(descriptor: pipes.ours.input, bytes: specification.input),
        output: ChildOutput(descriptor: pipes.ours.output, limit: outputLimit, wantsLines: onLine != nil),
        error: ChildOutput(descriptor: pipes.ours.error, limit: outputLimit, wantsLines: onLine != nil),
        ladder: specification.stop, timeoutAt: timeout.map { watcher.now + $0 }, onLine: onLine)
      do {
        try watcher.adopt(child)
      } catch {
        handle.close()
        throw error
      }
      return child
    } catch {
      // Unwatched it must not live: nobody would read its output or collect its end.
      kill(-process, SIGKILL)
      waitpid(process, nil, 0)
      pipes.closeOurs()
      throw error
    }
  }

  private func spawn(_ specification: ProcessSpecification, _ pipes: ChildDescriptors) throws -> pid_t {
    let environment = try specification.environmentBlock()
    let path = try ProgramSearch(
      directory: specification.directory, path: specification.environment["PATH"]
    ).locate(specification.program)
    system_keep_exit_codes()
    var process: pid_t = 0
    let fault = withCStrings([specification.program] + specification.arguments) { arguments in
      withCStrings(environment) { environment in
        system_spawn(
          &process, path, arguments, environment, specification.directory,
          specification.inputDescriptor ?? pipes.theirs.input,
          specification.outputDescriptor ?? pipes.theirs.output, pipes.theirs.error)
      }
    }
    guard fault != 0 else { return process }
    switch fault {
    case ENOENT:
      throw ProcessError(
        code: .notFound,
        description: "cannot execute \(path): the interpreter named in its first line is missing")
    case ENOEXEC:
      throw ProcessError(
        code: .other,
        description: "cannot execute \(path): neither a program for this machine nor a script with #! first")
    default: throw ProcessError.system(fault, "cannot execute \(path)")
    }
  }
}

/// A child that lives on.
package final class RunningProcess: Sendable {
  /// The process id, which is also its group's.
  package let id: Int32

  private let child: Child
  private let watcher: ChildWatcher

  init(_ child: Child, _ watcher: ChildWatcher) {
    id = child.process
    self.child = child
    self.watcher = watcher
  }

  /// Waits for the end, when its last line has been told. Several tasks may wait; a cancelled one does too.
  package func wait() async -> ProcessExit { await child.end().exit }

  /// Signals the whole group; nothing happens when it has ended.
  package func signal(_ signal: Int32) { child.signal(signal) }

  /// Stops the group by a ladder and waits for the end.
  package func stop(_ ladder: StopLadder) async -> ProcessExit {
    watcher.stop(child, by: ladder, because: .asked)
    return await wait()
  }
}
