import JSON
import Model
import Testing
import Twin

@testable import Vercel

/// What `prune` finds on Vercel, and the one kind that it removes there.
@Suite struct PruningTests {
  @Test func domainsThatTheFileDoesNotNameAreSurplusAndRemovedOneByOne() async throws {
    let bench = try TwinTests.Bench(
      project: [
        "domains": [
          "www.acme.localhost", "old.acme.localhost",
          ["name": "acme.localhost", "redirect": "www.acme.localhost"],
        ]
      ], domains: ["www.acme.localhost"])
    let found = try await bench.platform.surplus(bench.file)
    #expect(found.map(\.name).sorted() == ["acme.localhost", "old.acme.localhost"])
    let old = try #require(found.first { $0.name == "old.acme.localhost" })
    #expect(old.words == "the domain old.acme.localhost of web" && old.kept == nil)
    let redirect = try #require(found.first { $0.name == "acme.localhost" })
    #expect(redirect.kept == "it leads to a branch, another environment or another domain")
    await #expect(throws: Failure.self) { try await bench.platform.remove(redirect, bench.file) }

    try await bench.platform.remove(old, bench.file)
    // Gone already is no error: somebody was quicker.
    try await bench.platform.remove(old, bench.file)
    #expect(try await bench.platform.surplus(bench.file).map(\.name) == ["acme.localhost"])
    let left = await bench.twin.state.projects["prj_web"]?.domains.map(\.name) ?? []
    #expect(left.contains("www.acme.localhost") && !left.contains("old.acme.localhost"))
  }
}
