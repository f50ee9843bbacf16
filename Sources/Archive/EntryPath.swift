/// A path inside an archive that cannot lead out of the directory it is extracted to.
struct EntryPath: Equatable {
  /// Names from the top; empty for the directory itself.
  let names: [String]

  /// - Throws: `ArchiveError` for an absolute path or one with `..`.
  init(_ path: String) throws {
    guard !path.hasPrefix("/") else {
      throw ArchiveError(code: .unsafeEntry, path: path, message: "refused: the path is absolute")
    }
    names = Self.split(path)
    guard !names.contains("..") else {
      throw ArchiveError(code: .unsafeEntry, path: path, message: "refused: the path holds ..")
    }
  }

  /// Refuses a symbolic link at this path that could lead out.
  ///
  /// `..` may only come first, where it counts from the real directory of the link: behind another
  /// link it could climb further than it seems to.
  /// - Throws: `ArchiveError`.
  func checkLink(to target: String) throws {
    func refuse(_ why: String) -> ArchiveError {
      let place = names.joined(separator: "/")
      return ArchiveError(code: .unsafeEntry, path: place, message: "refused: the link to \(target) \(why)")
    }
    guard !target.isEmpty, !target.hasPrefix("/") else { throw refuse("is absolute") }
    let parts = Self.split(target)
    let climbs = parts.prefix { $0 == ".." }.count
    guard climbs <= names.count - 1 else { throw refuse("leads outside") }
    guard !parts.dropFirst(climbs).contains("..") else { throw refuse("holds .. behind a name") }
  }

  private static func split(_ path: String) -> [String] {
    path.split(separator: "/").map(String.init).filter { $0 != "." }
  }
}
