/// alembic.ini.
struct AlembicReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "alembic.ini" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let folder = Path.folder(path)
    let schema = SchemaSource(tool: "alembic", config: path, folder: folder)
    var findings = [Finding(.schema(schema), Evidence(path))]
    for (index, line) in text.lines.enumerated() {
      guard let match = line.firstMatch(of: #/^\s*script_location\s*=\s*(.+)$/#) else { continue }
      let place = String(match.1).trimmed.replacing("%(here)s/", with: "")
      if place.split(separator: "/").contains("..") {
        findings.append(
          Finding(
            .remark(
              "\(path) looks for its scripts at \(place), outside its folder: what runs it needs the whole repository"
            ), Evidence(path, index + 1)))
      }
    }
    return findings
  }
}

/// schema.prisma, also in several files.
struct PrismaReader: FileReader {
  func reads(_ path: String) -> Bool { path.hasSuffix(".prisma") }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let lines = text.lines
    guard let start = lines.firstIndex(where: { $0.trimmed.hasPrefix("datasource ") }) else { return [] }
    // `prisma/schema.prisma`, `prisma/schema/schema.prisma`: the folder above `prisma` is where it is run.
    var folder = Path.folder(path)
    while !folder.isEmpty, Path.name(folder) != "prisma" { folder = Path.folder(folder) }
    let places = [Path.folder(path), folder].map { Path.join($0, "migrations") }
    let place = places.first(where: tree.hasFolder) ?? places[folder.isEmpty ? 0 : 1]
    var schema = SchemaSource(tool: "prisma", config: path, folder: place)
    for index in start..<lines.count {
      let line = lines[index].trimmed
      if line == "}" { break }
      if let match = line.firstMatch(of: #/^provider\s*=\s*"([a-z]+)"/#) {
        schema.engine = Sourced(String(match.1), Evidence(path, index + 1))
      }
      if let match = line.firstMatch(of: #/^(url|directUrl)\s*=\s*env\("([A-Za-z0-9_]+)"\)/#) {
        schema.addresses.append(Sourced(String(match.2), Evidence(path, index + 1)))
      }
    }
    return [Finding(.schema(schema), Evidence(path, start + 1))]
  }
}

/// supabase/config.toml beside supabase/migrations.
struct SupabaseReader: FileReader {
  func reads(_ path: String) -> Bool { path.hasSuffix("supabase/config.toml") }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let folder = Path.join(Path.folder(path), "migrations")
    guard tree.hasFolder(folder) else { return [] }
    var schema = SchemaSource(tool: "supabase", config: path, folder: folder)
    schema.engine = Sourced("postgresql", Evidence(path))
    return [Finding(.schema(schema), Evidence(path))]
  }
}

/// drizzle.config.ts and its like: a program, of which only what is written out is taken.
struct DrizzleReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path).hasPrefix("drizzle.config.") }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var schema = SchemaSource(tool: "drizzle-kit", config: path, folder: Path.folder(path))
    for (index, line) in text.lines.enumerated() {
      if let match = line.firstMatch(of: #/(dialect|driver)\s*:\s*["']([a-z]+)["']/#) {
        schema.engine = Sourced(String(match.2), Evidence(path, index + 1))
      }
      if let match = line.firstMatch(of: #/process\.env\.([A-Z0-9_]+)/#) {
        schema.addresses.append(Sourced(String(match.1), Evidence(path, index + 1)))
      }
    }
    return [Finding(.schema(schema), Evidence(path))]
  }
}
