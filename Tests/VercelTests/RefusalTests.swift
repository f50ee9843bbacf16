import JSON
import Model
import Testing

@testable import Vercel

/// What is refused before anything is done.
@Suite struct RefusalTests {
  @Test("a token that Vercel does not know is told from one that may not")
  func invalidToken() async throws {
    func refusal(_ more: [String: JSON]) async -> Failure? {
      let error: [String: JSON] = ["code": "forbidden", "message": "Not authorized"]
      let refused = Reply.json(["error": .object(error.merging(more) { $1 })], status: 403)
      do throws(Failure) {
        _ = try await FakeVercel(["GET /v2/teams/acme": [refused]]).platform().live(Sample.environment())
      } catch { return error }
      return nil
    }
    let unknown = await refusal(["invalidToken": true])
    #expect(
      unknown?.kind == .authentication && unknown?.message.contains("does not accept the token") == true)
    #expect(unknown?.hint?.contains("new token") == true)
    let limited = await refusal([:])
    #expect(limited?.kind == .authentication && limited?.hint?.contains("vcp_") == true)
  }

  @Test("a name that Vercel reserves is refused before anything is done")
  func reservedName() async {
    var environment = Sample.environment()
    environment.services[0].variables = ["TZ": .text(Template(text: "utc"))]
    let vercel = FakeVercel([
      "GET /v2/teams/acme": [.json(Sample.team)], "GET /v9/projects/web": [.json(Sample.project())],
    ])
    do throws(Failure) {
      _ = try await vercel.platform().observe(environment)
      Issue.record("it was accepted")
    } catch {
      #expect(error.kind == .configuration && error.place == "services.web.variables.TZ")
      #expect(error.cause == "Vercel reserves the name TZ")
    }
  }
}
