import Interface
import JSON
import Language
import Model

enum ValidateCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    let project: Project
    do throws(Failure) { project = try Project(invocation) } catch {
      console.failure(error)
      return console.ended(error.exitCode)
    }
    let names = invocation.positional(0).map { [$0] } ?? EnvironmentReader(root: project.root).list()
    guard !names.isEmpty else {
      let failure = Failure(
        .configuration, "environments/ holds no environment", place: project.root,
        hint: "write environments/prod.yaml; shipit explain tells what may stand in it")
      console.failure(failure)
      return console.ended(.usage)
    }
    var isValid = true
    var documents: [JSON] = []
    for name in names {
      let result = project.read(name)
      if result.environment == nil { isValid = false }
      if console.wantsJSON {
        documents.append(Diagnostics.json(name, result))
      } else {
        Diagnostics.print(result, console, root: project.root, unsupportedIsError: false)
        if let environment = result.environment {
          console.result(["\(name): valid, \(count(environment.services.count, "service"))"])
        }
      }
    }
    if console.wantsJSON {
      console.write(
        JSON.object([
          "shipit": 1, "kind": "validate", "environments": .array(documents), "valid": .bool(isValid),
        ])
        .serialized())
    }
    return console.ended(isValid ? .done : .usage)
  }
}
