package import Concurrency
import Foundation
import HTTP
package import JSON
import Processes

/// `shipit twin` as a child, with its control surface.
package final class TwinProcess: Sendable {
  package let url: String
  private let process: RunningProcess
  private let http = HTTPClient()
  /// Everything it printed.
  package let output: Locked<[String]>

  /// The variables a project needs to use it: the endpoint and the token of the seed.
  package var variables: [String: String] {
    ["SHIPIT_RAILWAY_URL": url, "RAILWAY_API_TOKEN": "demo-token", "DEMO_API_KEY": TwinProcess.plantedKey]
  }

  /// A secret that must show up nowhere.
  package static let plantedKey = "planted-Secret/Value+42=é"

  /// Starts a twin and waits until it listens.
  package static func start(
    for project: GitProject, arguments: [String] = [], seed: String? = nil
  ) async throws -> TwinProcess {
    let seedFile = seed ?? Checkout.root + "/Tests/Support/two-services-seed.json"
    let output = Locked<[String]>([])
    let (urls, found) = AsyncStream.makeStream(of: String.self)
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["twin", "--seed", seedFile] + (arguments.isEmpty ? ["--speed", "50"] : arguments),
        environment: project.variables, directory: project.path)
    ) { line in
      output.withLock { $0.append(line.text) }
      if let range = line.text.range(of: "SHIPIT_RAILWAY_URL=") {
        found.yield(String(line.text[range.upperBound...]))
      }
    }
    let ended = Task {
      _ = await process.wait()
      found.finish()
    }
    defer { ended.cancel() }
    for await url in urls {
      return TwinProcess(
        url: url.trimmingCharacters(in: CharacterSet(charactersIn: "'\" ")), process: process, output: output)
    }
    throw ProcessError(
      code: .other, description: "the twin ended: " + output.withLock { $0.joined(separator: "\n") })
  }

  private init(url: String, process: RunningProcess, output: Locked<[String]>) {
    self.url = url
    self.process = process
    self.output = output
  }

  /// A request to the control surface.
  @discardableResult
  package func control(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
    let response = try await http.send(
      HTTPRequest(
        method: method, url: "\(url)/_twin/\(path)", headers: [("Content-Type", "application/json")],
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    guard response.status == 200 else { throw ProcessError(code: .other, description: response.text) }
    return try JSON(parsing: response.body)
  }

  /// Ends it, with everything it started.
  package func stop() async {
    _ = await process.stop(StopLadder([StopLadder.Rung(signal: 15, wait: .seconds(5))]))
  }
}
