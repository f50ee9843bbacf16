import Concurrency
import Foundation
import HTTPServer
import JSON
import Model
import Secrets
import TestSupport
import Testing

/// Secrets of Doppler, by its real program against a server of ours that answers as Doppler's.
@Suite(
  .enabled(if: SecretTools.isThere("doppler"), "doppler is not there: make setup puts it into build/venv"))
struct DopplerSourceTests {
  private static let token = "dp.st.prd.planted0123456789"

  private func server(
    _ requests: Locked<[ServerRequest]>, _ values: [String: String] = Awkward.values
  ) throws -> HTTPServer {
    try HTTPServer { request in
      requests.withLock { $0.append(request) }
      guard request.path == "/v3/configs/config/secrets/download" else {
        return ServerResponse(
          status: 404, body: .bytes(Array(#"{"messages": ["no such path"], "success": false}"#.utf8)))
      }
      guard request.header("authorization")?.contains(Self.token) == true else {
        return ServerResponse(
          status: 401, headers: [("content-type", "application/json")],
          body: .bytes(Array(#"{"messages": ["Invalid Service token"], "success": false}"#.utf8)))
      }
      let own = ["DOPPLER_PROJECT": "api", "DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "prd"]
      let body = JSON.object(values.merging(own) { _, new in new }.mapValues { .string($0) })
      return ServerResponse(
        status: 200, headers: [("content-type", "application/json")],
        body: .bytes(Array(body.serialized().utf8)))
    }
  }

  private func settings(project: String? = nil, config: String? = nil) -> SecretSettings.Source {
    .doppler(DopplerSecrets(project: project, config: config, tokenSecret: "DEPLOY_DOPPLER"))
  }

  private func bench(_ server: HTTPServer?) throws -> SecretBench {
    var bench = try SecretBench()
    bench.process["DEPLOY_DOPPLER"] = Self.token
    // Nobody listens on port 1.
    bench.process["DOPPLER_API_HOST"] = "http://127.0.0.1:\(server?.port ?? 1)"
    return bench
  }

  @Test("ten awkward values come through as they are, and no copy of them is left")
  func awkward() async throws {
    let requests = Locked<[ServerRequest]>([])
    let server = try server(requests)
    defer { server.stop() }
    let bench = try bench(server)
    let pool = await bench.pool(
      settings(project: "api", config: "prd"), wanting: Awkward.names.union(["DOPPLER_CONFIG"]))
    #expect(pool.failure == nil && SecretBench.differences(pool) == [], "\(pool.words)")
    #expect(pool["DOPPLER_CONFIG"] == nil)
    #expect(pool.origin(of: "LINES")?.source == "api/prd in Doppler")
    #expect(bench.files == [])
    let query = requests.withLock { $0.last?.query.map { "\($0.name)=\($0.value)" } ?? [] }
    #expect(query.contains("project=api") && query.contains("config=prd"))
  }

  @Test("without a network it fails, also after it worked: no older copy is served")
  func noFallback() async throws {
    let requests = Locked<[ServerRequest]>([])
    let server = try server(requests)
    var bench = try bench(server)
    #expect(await bench.pool(settings()).failure == nil)
    server.stop()
    bench.process["DOPPLER_API_HOST"] = "http://127.0.0.1:1"
    let pool = await bench.pool(settings())
    #expect(pool.failure?.kind == .failed && pool["LINES"] == nil && !pool.words.contains("planted"))
  }

  @Test("a token that Doppler does not know is told as that, without showing it")
  func wrongToken() async throws {
    let requests = Locked<[ServerRequest]>([])
    let server = try server(requests)
    defer { server.stop() }
    var bench = try bench(server)
    bench.process["DEPLOY_DOPPLER"] = "dp.st.prd.planted-wrong"
    let pool = await bench.pool(settings())
    #expect(pool.failure?.kind == .authentication && !pool.words.contains("planted"), "\(pool.words)")
    #expect(pool.words.contains("Doppler does not accept DEPLOY_DOPPLER"))
    bench.process["PATH"] = "/nowhere"
    #expect(await bench.pool(settings()).words.contains("install doppler"))
  }
}
