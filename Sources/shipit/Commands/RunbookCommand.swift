import Interface
import JSON
import Model

enum RunbookCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    guard let name = invocation.positional(0) else {
      list(console)
      return console.ended(.done)
    }
    guard let page = Embedded.runbooks.first(where: { $0.name == name }) else {
      console.failure(
        Failure(
          .configuration, "there is no runbook “\(name)”",
          hint: "shipit runbook \(Embedded.runbooks.map(\.name).joined(separator: "|"))"))
      return console.ended(.usage)
    }
    if console.wantsJSON {
      console.write(
        JSON.object([
          "shipit": 1, "kind": "runbook", "name": .string(page.name), "text": .string(page.text),
        ]).serialized())
    } else {
      console.write(String(page.text.dropLast()))
    }
    return console.ended(.done)
  }

  private static func list(_ console: Console) {
    if console.wantsJSON {
      console.write(
        JSON.object([
          "shipit": 1, "kind": "runbooks",
          "runbooks": .array(
            Embedded.runbooks.map { ["name": .string($0.name), "title": .string(title($0))] }),
        ]).serialized())
      return
    }
    let width = Embedded.runbooks.map(\.name.count).max() ?? 0
    console.result(
      Embedded.runbooks.map { page in
        page.name + String(repeating: " ", count: width - page.name.count + 2) + title(page)
      } + ["", "next: shipit runbook NAME"])
  }

  private static func title(_ page: EmbeddedFile) -> String {
    String(page.text.prefix { $0 != "\n" }.drop { $0 == "#" || $0 == " " })
  }
}
