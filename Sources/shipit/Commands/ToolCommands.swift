import Interface
import JSON
import Language
import Model

enum ExplainCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    let path = invocation.positional(0) ?? ""
    switch Grammar.explain(path) {
    case .key(let explanation): console.result([explanation.text(width: console.resultCanvas.width ?? 100)])
    case .file(let keys):
      let width = keys.map(\.name.count).max() ?? 0
      console.result(
        keys.map { key in
          key.name + String(repeating: " ", count: width - key.name.count + 2) + key.doc
        } + ["", "next: shipit explain KEY, such as shipit explain services.health"])
    case .several(let paths):
      console.result(["“\(path)” is the last word of several keys:"] + paths.map { "  \($0)" })
    case .unknown(let help):
      console.failure(Failure(.configuration, "there is no key “\(path)”", hint: help))
      return console.ended(.usage)
    }
    return console.ended(.done)
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
      console.write(
        JSON.object(["shipit": 1, "kind": "version", "version": .string(shipitVersion)]).serialized())
    } else {
      console.write("shipit \(shipitVersion)")
    }
    return console.ended(.done)
  }
}
