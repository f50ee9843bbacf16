import FoundationEssentials

/// The system's time zone data: one compiled file per zone below a directory.
package struct ZoneDatabase: Sendable {
  /// Why there is no such zone.
  package enum Trouble: Error, Sendable, Hashable {
    /// There is no time zone data in any of these directories.
    case noData([String])
    case unknown
    case unreadable(path: String)
  }

  private let directories: [String]

  /// - Parameter directories: the first that is there counts.
  package init(directories: [String]) { self.directories = directories }

  /// The one of this machine: where `TZDIR` says, else where systems keep it.
  package static func system(_ environment: [String: String]) -> ZoneDatabase {
    ZoneDatabase(
      directories: (environment["TZDIR"].map { [$0] } ?? []) + [
        "/usr/share/zoneinfo", "/var/db/timezone/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo",
        "/etc/zoneinfo",
      ])
  }

  private var directory: String? { directories.first { FileManager.default.fileExists(atPath: $0) } }

  /// A zone by its name, such as `Europe/Oslo`. UTC needs no data.
  package func zone(_ name: String) throws(Trouble) -> Zone {
    if name == "UTC" { return .utc }
    guard let directory else { throw .noData(directories) }
    guard ZoneDatabase.isName(name) else { throw .unknown }
    let path = "\(directory)/\(name)"
    guard let data = FileManager.default.contents(atPath: path) else { throw .unknown }
    guard let zone = ZoneFile.zone(name, Array(data)) else { throw .unreadable(path: path) }
    return zone
  }

  /// Every name, sorted, for suggestions.
  package var names: [String] {
    guard let directory else { return ["UTC"] }
    return found(in: directory, prefix: "").sorted()
  }

  private func found(in directory: String, prefix: String) -> [String] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return entries.flatMap { entry -> [String] in
      // `posix` and `right` hold everything once more; files with a dot are tables.
      guard entry.first?.isUppercase == true, !entry.contains(".") else { return [] }
      let below = found(in: "\(directory)/\(entry)", prefix: "\(prefix)\(entry)/")
      return below.isEmpty ? ["\(prefix)\(entry)"] : below
    }
  }

  /// The zone of whoever reads: what `TZ` says, else `/etc/localtime`, else UTC.
  package func local(_ environment: [String: String], link: String = "/etc/localtime") -> Zone {
    if let text = environment["TZ"], !text.isEmpty {
      let name = text.hasPrefix(":") ? String(text.dropFirst()) : text
      if let zone = try? zone(name) { return zone }
      if let rule = ZoneRule(name) {
        return Zone(name: name, transitions: [], offsets: [rule.standard], rule: rule)
      }
      return .utc
    }
    // The link leads to `…/zoneinfo/Europe/Oslo`.
    let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? ""
    if let name = target.split(separator: "zoneinfo/", maxSplits: 1).last, target.contains("zoneinfo/"),
      let zone = try? zone(String(name))
    {
      return zone
    }
    if let data = FileManager.default.contents(atPath: link), let zone = ZoneFile.zone("local", Array(data)) {
      return zone
    }
    return .utc
  }

  /// Only what stays below the directory.
  private static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return !name.hasPrefix("/")
      && parts.allSatisfy { part in
        !part.isEmpty
          && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_+-".contains($0)) }
      }
  }
}
