import JSON
import Model

/// What `vercel.json` may say when a directory is uploaded by the API, and where each key goes.
///
/// Everything else is understood by Vercel's own tool only: such a source needs `build: cli`. docs/vercel.md
/// holds the same table.
struct ProjectConfiguration: Sendable, Hashable {
  enum Place: Sendable, Hashable {
    /// A field of `projectSettings`.
    case setting(String)
    /// A field of the deployment itself.
    case deployment(String)
    /// Nothing to send: it concerns editors, or pushes, not this deployment.
    case nothing
  }

  static let table: [(key: String, place: Place)] = [
    ("buildCommand", .setting("buildCommand")),
    ("devCommand", .setting("devCommand")),
    ("framework", .setting("framework")),
    ("ignoreCommand", .setting("commandForIgnoringBuildStep")),
    ("installCommand", .setting("installCommand")),
    ("outputDirectory", .setting("outputDirectory")),
    ("regions", .deployment("regions")),
    ("git", .nothing),
    ("$schema", .nothing),
    ("version", .nothing),
  ]

  var settings: [String: JSON] = [:]
  var deployment: [String: JSON] = [:]

  init() {}

  /// - Parameter file: where it stands, for the failure.
  /// - Throws: `Failure` of kind configuration for a key that the API cannot carry, or text that is no JSON.
  init(_ bytes: [UInt8], file: String) throws(Failure) {
    guard let json = try? JSON(parsing: bytes), let members = json.object else {
      throw Failure(
        .configuration, "\(file) is not one JSON object", place: file,
        hint: "correct it, commit, deploy again")
    }
    let places = Dictionary(uniqueKeysWithValues: ProjectConfiguration.table.map { ($0.key, $0.place) })
    let foreign = members.keys.sorted().filter { places[$0] == nil }
    guard foreign.isEmpty else {
      let keys = foreign.map { "`\($0)`" }.joined(separator: ", ")
      throw Failure(
        .configuration, "\(keys) in \(file) needs `source.build: cli`", place: file,
        cause: "an upload by Vercel's API carries only "
          + ProjectConfiguration.table.map(\.key).joined(separator: ", "),
        hint: "write `source: {directory: …, build: cli}`, so that Vercel's own tool reads \(file)")
    }
    for (key, value) in members {
      switch places[key] {
      case .setting(let field): settings[field] = value
      case .deployment(let field): deployment[field] = value
      case .nothing?, nil: break
      }
    }
  }

  /// Reads `vercel.json` of a source: in the directory that is built, else at its top.
  static func read(_ directory: String, root: String?) throws(Failure) -> ProjectConfiguration {
    let below = root.map { $0.split(separator: "/").filter { $0 != "." }.joined(separator: "/") } ?? ""
    for place in below.isEmpty ? [""] : [below + "/", ""] {
      if let bytes = fileBytes("\(directory)/\(place)vercel.json") {
        return try ProjectConfiguration(bytes, file: "\(place)vercel.json")
      }
    }
    return ProjectConfiguration()
  }
}
