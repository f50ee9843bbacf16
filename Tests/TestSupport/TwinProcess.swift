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

  /// The variables a project needs to use it: the endpoints and the tokens of the seed.
  package let variables: [String: String]

  /// The credentials of the seeds, by the endpoint they are for.
  private static let credentials = [
    "SHIPIT_RAILWAY_URL": ["RAILWAY_API_TOKEN": "demo-token"],
    "SHIPIT_VERCEL_URL": ["VERCEL_TOKEN": "demo_vercel_token"],
    "SHIPIT_LAUNCHDARKLY_URL": ["LAUNCHDARKLY_TOKEN": "api-ci"],
    "SHIPIT_SENTRY_URL": ["SENTRY_TOKEN": "mark-token"],
    "SHIPIT_GITHUB_URL": ["GITHUB_TOKEN": "demo-github-token"],
    "SHIPIT_ENCORE_URL": [
      "ENCORE_CLIENT_ID": "o2c_demo", "ENCORE_CLIENT_SECRET": "demo-client-secret",
      "ENCORE_AUTH_KEY": "ena_demo",
    ],
  ]

  /// A secret that must show up nowhere.
  package static let plantedKey = "planted-Secret/Value+42=é"

  /// Starts a twin and waits until it listens for every platform of its seed.
  package static func start(
    for project: GitProject, arguments: [String] = [], seed: String? = nil
  ) async throws -> TwinProcess {
    let seedFile = seed ?? Checkout.root + "/Tests/Support/two-services-seed.json"
    let sections = try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: seedFile))))
    let expected =
      1
      + ["vercel", "encore", "notifications", "github", "launchdarkly", "markers"].filter {
        sections[$0] != nil
      }
      .count
    let output = Locked<[String]>([])
    let (endpoints, found) = AsyncStream.makeStream(of: (name: String, url: String).self)
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["twin", "--seed", seedFile] + (arguments.isEmpty ? ["--speed", "50"] : arguments),
        environment: project.variables, directory: project.path)
    ) { line in
      output.withLock { $0.append(line.text) }
      if let match = line.text.firstMatch(of: #/export (SHIPIT_[A-Z]+_URL)=(\S+)/#) {
        found.yield((String(match.1), String(match.2)))
      }
    }
    let ended = Task {
      _ = await process.wait()
      found.finish()
    }
    defer { ended.cancel() }
    var addresses: [String: String] = [:]
    for await endpoint in endpoints {
      addresses[endpoint.name] = endpoint.url.trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
      guard addresses.count == expected, let url = addresses["SHIPIT_RAILWAY_URL"] else { continue }
      return TwinProcess(url: url, endpoints: addresses, process: process, output: output)
    }
    throw ProcessError(
      code: .other, description: "the twin ended: " + output.withLock { $0.joined(separator: "\n") })
  }

  private init(
    url: String, endpoints: [String: String], process: RunningProcess, output: Locked<[String]>
  ) {
    self.url = url
    variables = endpoints.keys.compactMap { TwinProcess.credentials[$0] }
      .reduce(endpoints.merging(["DEMO_API_KEY": TwinProcess.plantedKey]) { $1 }) { $0.merging($1) { $1 } }
    self.process = process
    self.output = output
  }

  /// What a public address answers with: the body of a 200.
  package func ask(_ address: String) async throws -> JSON {
    let response = try await http.send(HTTPRequest(method: "GET", url: address))
    guard response.status == 200 else {
      throw ProcessError(code: .other, description: "\(address): status \(response.status)")
    }
    return try JSON(parsing: response.body)
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

  /// A request to the emulated Railway, as somebody at its dashboard sends it.
  @discardableResult
  package func railway(
    _ document: String, _ variables: JSON = [:], token: String = "demo-token",
    header: String = "Project-Access-Token"
  ) async throws -> JSON {
    let body: JSON = ["query": .string(document), "variables": variables]
    let response = try await http.send(
      HTTPRequest(
        method: "POST", url: "\(url)/graphql/v2",
        headers: [("Content-Type", "application/json"), (header, token)],
        body: .bytes(Array(body.serialized().utf8))))
    let answer = try JSON(parsing: response.body)
    guard response.status == 200, answer["errors"] == nil, let data = answer["data"] else {
      throw ProcessError(code: .other, description: response.text)
    }
    return data
  }

  /// A request to the emulated Vercel, as somebody at its dashboard sends it.
  @discardableResult
  package func vercel(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
    let response = try await http.send(
      HTTPRequest(
        method: method, url: (variables["SHIPIT_VERCEL_URL"] ?? "") + path,
        headers: [("Content-Type", "application/json"), ("Authorization", "Bearer demo_vercel_token")],
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    guard (200..<300).contains(response.status) else {
      throw ProcessError(code: .other, description: "\(response.status) \(response.text)")
    }
    return response.body.isEmpty ? .null : try JSON(parsing: response.body)
  }

  /// Ends it, with everything it started.
  package func stop() async {
    _ = await process.stop(StopLadder([StopLadder.Rung(signal: 15, wait: .seconds(5))]))
  }
}
