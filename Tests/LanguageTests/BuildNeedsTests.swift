import Language
import Model
import Testing

/// What a build waits for, beside what its go-live waits for.
@Suite struct BuildNeedsTests {
  private func web(_ lines: String) throws -> Service {
    let file = """
      shipit: 1
      environment: prod
      app: shop
      state: local
      platforms:
        railway: {project: shop, token: {secret: RAILWAY_API_TOKEN}}
        vercel: {token: {secret: VERCEL_TOKEN}}
      services:
        api: {platform: railway, source: {directory: api}}
        jobs: {platform: railway, source: {directory: jobs}}
        web:
          platform: vercel
          source: {directory: .}
      \(lines.split(separator: "\n").map { "    \($0)\n" }.joined())
      """
    return try #require(readProd(file).environment?.service("web"))
  }

  @Test("a plain need orders go-live and lets the build overlap")
  func plain() throws {
    let web = try web("needs: [api, jobs]")
    #expect(web.needs == ["api", "jobs"])
    #expect(web.buildNeeds.isEmpty)
  }

  @Test("`{api: build}` makes the build wait")
  func named() throws {
    let web = try web("needs: [{api: build}, jobs]")
    #expect(web.needs == ["api", "jobs"])
    #expect(web.buildNeeds == ["api"])
  }

  @Test("a variable that the build reads and that names a service's address makes the build wait")
  func referred() throws {
    let web = try web("needs: [jobs]\nvariables: {NEXT_PUBLIC_API: \"${services.api.url}/v1\"}")
    #expect(Set(web.needs) == ["api", "jobs"])
    #expect(web.buildNeeds == ["api"])
  }
}
