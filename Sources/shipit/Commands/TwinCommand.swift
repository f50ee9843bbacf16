import Concurrency
import FoundationEssentials
import JSON
import Model
import Processes
import Runner
import Twin

enum TwinCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    let server: TwinServer
    do {
      server = try await TwinServer(options: try options(invocation))
    } catch let failure as Failure {
      console.failure(failure)
      return console.ended(failure.exitCode)
    } catch {
      console.failure(
        Failure(.configuration, "the twin could not start", cause: "\(error)", hint: "shipit twin --help"))
      return console.ended(.usage)
    }
    let interrupter = Interrupter()
    let signals = Signals(interrupter, onLeave: {})
    defer { withExtendedLifetime(signals) {} }
    if !invocation.rest.isEmpty {
      let code = await perform(invocation.rest, server, interrupter, console)
      await server.stop()
      return code
    }
    for (name, value) in server.endpointVariables { console.write("export \(name)=\(value)") }
    console.note(["the twin listens; watch it at \(server.url)/_twin/ and end it with Ctrl-C"])
    let serving = Task { await server.run() }
    interrupter.onCancel { serving.cancel() }
    await serving.value
    return console.ended(.done)
  }

  private static func options(_ invocation: Invocation) throws(Failure) -> TwinOptions {
    var options = TwinOptions()
    options.port = UInt16(try invocation.count("port", in: 0...65535, default: 0))
    if let text = invocation.value("speed") {
      guard let speed = Double(text), speed > 0, speed <= 10_000 else {
        throw Failure(
          .configuration, "--speed takes a number above 0, not “\(text)”", hint: "shipit twin --help")
      }
      options.speed = speed
    } else {
      options.speed = 50
    }
    if let file = invocation.value("seed") { options.seed = try json(file) }
    if let file = invocation.value("sources") { options.sources = try json(file) }
    options.record = invocation.value("record")
    return options
  }

  private static func json(_ file: String) throws(Failure) -> JSON {
    do {
      return try JSON(parsing: Data(contentsOf: URL(fileURLWithPath: file)))
    } catch {
      throw Failure(.configuration, "\(file) is not a readable JSON file", place: file, cause: "\(error)")
    }
  }

  /// Runs one command against the twin and ends with its code.
  private static func perform(
    _ command: [String], _ server: TwinServer, _ interrupter: Interrupter, _ console: Console
  ) async -> Int32 {
    var variables = processEnvironment()
    for (name, value) in server.endpointVariables { variables[name] = value }
    let specification = ProcessSpecification(
      command[0], Array(command.dropFirst()), environment: variables)
    let task = Task {
      try await Launcher().run(specification) { line in
        switch line.stream {
        case .output: console.write(line.text)
        case .error: console.raw(line.text + "\n")
        }
      }
    }
    interrupter.onCancel { task.cancel() }
    do {
      switch try await task.value.exit {
      case .code(let code): return code
      case .signal(let signal): return 128 + signal
      }
    } catch is CancellationError {
      return interrupter.interruption?.exitCode.rawValue ?? ExitCode.interrupted.rawValue
    } catch {
      console.failure(Failure(.configuration, "\(command[0]) could not be run", cause: "\(error)"))
      return ExitCode.usage.rawValue
    }
  }
}
