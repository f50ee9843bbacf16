package import Model

/// What of a release goes to another environment: the very artefact where the platform can take it, else the
/// commit, built again. Pure.
package struct PromotedArtefact: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable {
    /// The image with its digest.
    case digest
    /// The image by its tag, for its digest was not recorded.
    case image
    /// The very build, in the same project.
    case build
    /// The commit, built again.
    case commit
  }

  package var service: ServiceName
  package var kind: Kind
  /// The image to deploy instead of what is declared; nil: what is declared, of the release's commit.
  package var image: String?
  /// Which it is and, where it is built again, why; for people.
  package var words: String

  /// What each service of an environment gets of a release, in go-live order.
  /// - Throws: `Failure` when the services need each other in a circle.
  package static func of(_ release: Release, for environment: Environment) throws(Failure)
    -> [PromotedArtefact]
  {
    let first = release.configuration
    return try environment.goLiveOrder().map { service in
      choice(service, release.services[service.key], release, first?.platforms, environment.platforms)
    }
  }

  private static func choice(
    _ service: Service, _ record: ReleasedService?, _ release: Release, _ from: Platforms?, _ to: Platforms
  ) -> PromotedArtefact {
    let commit = short(release.commit)
    func again(_ why: String) -> PromotedArtefact {
      PromotedArtefact(
        service: service.key, kind: .commit, words: "commit \(commit), built again: \(why)")
    }
    guard let record else { return again("\(release.environment) does not have it") }
    guard record.target.platform == service.platform else {
      return again("\(release.environment) has it on \(record.target.platform.title)")
    }
    switch service.source {
    case .image, .encoreImage:
      guard case .image(let image) = record.source else {
        return again("\(release.environment) ran no image of it")
      }
      if let pinned = pinned(image, record.digest) {
        return PromotedArtefact(
          service: service.key, kind: .digest, image: pinned, words: "the same image, \(pinned)")
      }
      return PromotedArtefact(
        service: service.key, kind: .image, image: image,
        words: "the image \(image) by its tag, for its digest was not recorded")
    case .prebuilt(let path):
      return again("the output below \(path) is uploaded, which has to be of that commit")
    case .directory, .repository, .commandLineBuild: break
    }
    switch service.platform {
    case .vercel:
      guard record.target.name == service.name, from?.vercel?.team == to.vercel?.team else {
        return again("a Vercel build belongs to its project and has that project’s variables in it")
      }
      return PromotedArtefact(
        service: service.key, kind: .build,
        words: "the same project: the very build" + (record.deployment.map { " \($0)" } ?? ""))
    case .encore: return again("Encore builds for each environment, and uses again what it can")
    case .railway: return again("Railway keeps a build to its service")
    }
  }

  /// The image by its digest, without its tag; nil when no digest is known.
  private static func pinned(_ image: String, _ digest: String?) -> String? {
    if image.contains("@sha256:") { return image }
    guard let digest, digest.hasPrefix("sha256:") else { return nil }
    var name = image[...]
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") { name = name[..<colon] }
    return "\(name)@\(digest)"
  }
}
