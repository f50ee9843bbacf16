import JSON
import Language
import Model

enum ExplainCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    do throws(Failure) {
      console.result([try Grammar.explain(invocation.positional(0) ?? "")])
      return console.ended(.done)
    } catch {
      console.failure(error)
      return console.ended(error.exitCode)
    }
  }
}

enum SchemaCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    console.write(Grammar.jsonSchema().serialized(pretty: true))
    return console.ended(.done)
  }
}

enum CompletionsCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    let shell = invocation.positional(0) ?? ""
    guard let script = Completions(table: commandTable).script(for: shell) else {
      console.failure(
        Failure(
          .configuration, "there are no completions for “\(shell)”",
          hint: "shipit completions \(Completions.shells.joined(separator: "|"))"))
      return console.ended(.usage)
    }
    console.write(script)
    return console.ended(.done)
  }
}

enum VersionCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    if console.wantsJSON {
      console.write(JSON.object(["shipit": 1, "kind": "version", "version": .string(shipitVersion)]).serialized())
    } else {
      console.write("shipit \(shipitVersion)")
    }
    return console.ended(.done)
  }
}
