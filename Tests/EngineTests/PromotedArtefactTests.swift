import Engine
import Model
import Testing

@testable import Simulation

/// What of a release goes to another environment.
@Suite struct PromotedArtefactTests {
  private func artefact(
    _ service: Service, image: String? = nil, digest: String? = nil, platform: PlatformName? = nil,
    name: String? = nil, team: String? = "acme"
  ) throws -> PromotedArtefact? {
    var record = Planned.record(service.key, commit: Make.new, deployment: "dpl_1")
    record.target.platform = platform ?? service.platform
    record.target.name = name ?? service.name
    if let image { record.source = .image(image) }
    record.digest = digest
    var staging = Planned.environment([service])
    staging.name = "staging"
    staging.platforms.vercel = VercelTarget(team: "acme", tokenSecret: "T")
    var release = Planned.release(6, commit: Make.new, services: [service.key: record])
    release.environment = "staging"
    release.configuration = staging
    var prod = Planned.environment([service])
    prod.platforms.vercel = VercelTarget(team: team, tokenSecret: "T")
    return try PromotedArtefact.of(release, for: prod).first
  }

  private func vercel() -> Service {
    var service = Planned.service("web", source: .directory(path: ".", root: nil, include: []))
    service.platform = .vercel
    return service
  }

  @Test(
    arguments: [
      ("ghcr.io/shop/api:v1", "sha256:ab", "digest", "ghcr.io/shop/api@sha256:ab"),
      ("localhost:5000/api", "sha256:ab", "digest", "localhost:5000/api@sha256:ab"),
      ("shop/api@sha256:cd", nil, "digest", "shop/api@sha256:cd"),
      ("shop/api:v1", nil, "image", "shop/api:v1"),
    ] as [(String, String?, String, String)])
  func anImageGoesByItsDigest(_ image: String, _ digest: String?, _ kind: String, _ wanted: String) throws {
    let service = Planned.service("api", source: .image(Template([.text("shop/api:"), .reference(.commit)])))
    let artefact = try artefact(service, image: image, digest: digest)
    #expect(artefact?.kind.rawValue == kind)
    #expect(artefact?.image == wanted)
  }

  @Test func aVercelBuildGoesOnInItsOwnProjectAlone() throws {
    #expect(try artefact(vercel())?.kind == .build)
    #expect(try artefact(vercel())?.words == "the same project: the very build dpl_1")
    for other in [try artefact(vercel(), name: "web-staging"), try artefact(vercel(), team: "other")] {
      #expect(other?.kind == .commit)
      #expect(other?.words.contains("a Vercel build belongs to its project") == true)
    }
  }

  @Test func anythingElseIsTheCommitAndSaysWhy() throws {
    #expect(
      try artefact(Planned.service("api"))?.words
        == "commit 1111111, built again: Railway keeps a build to its service")
    #expect(
      try artefact(Planned.service("api"), platform: .encore)?.words
        == "commit 1111111, built again: staging has it on Encore")
    let image = Planned.service("api", source: .image(Template(text: "shop/api")))
    #expect(try artefact(image)?.kind == .commit)
  }
}
