package import Model

/// Finds the databases of an Encore application that is built into an image: those its source declares, with
/// what the infrastructure configuration says of them (contract §7, §8).
package struct EncoreDatabases: DatabaseDiscovery {
  private let repository: any CommitRepository
  private let files: any MigrationFiles

  package init(repository: any CommitRepository, files: any MigrationFiles) {
    self.repository = repository
    self.files = files
  }

  package func databases(of service: Service, commit: String) async throws(Failure) -> [DeclaredDatabase] {
    guard case .encoreImage(let path, _, let configuration) = service.source,
      let paths = try await repository.files(of: commit, under: path)
    else { return [] }
    let sources = try await repository.texts(of: commit, under: path, holding: DatabaseDeclaration.words)
    let configured = try await names(in: configuration, commit: commit)
    let prefix = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    var found: [DeclaredDatabase] = []
    for set in MigrationSet.all(paths: paths, sources: sources) {
      // A directory that only the convention tells belongs to the one database that has no other.
      let name =
        set.database == set.directory ? conventionalName(set, configured, found) : set.database
      let directory = prefix.isEmpty ? set.directory : "\(prefix)/\(set.directory)"
      found.append(
        DeclaredDatabase(
          name: name, directory: directory, migrations: set.files.count,
          isConfigured: configured.contains(name),
          foreignTool: set.order == .independent
            || !set.files.values.allSatisfy { $0.contains { $0.hasSuffix(".up.sql") } }
            ? "Prisma or Drizzle" : nil))
    }
    for name in configured where !found.contains(where: { $0.name == name }) {
      found.append(DeclaredDatabase(name: name, directory: nil, migrations: 0, isConfigured: true))
    }
    return found
  }

  /// `todo/migrations` is the service todo's, whose database mostly has its name.
  private func conventionalName(_ set: MigrationSet, _ configured: [String], _ found: [DeclaredDatabase])
    -> String
  {
    let parts = set.directory.split(separator: "/").map(String.init)
    let folder = parts.count > 1 ? parts[parts.count - 2] : set.directory
    if configured.contains(folder) { return folder }
    let free = configured.filter { name in !found.contains { $0.name == name } }
    return free.count == 1 ? free[0] : folder
  }

  private func names(in configuration: String?, commit: String) async throws(Failure) -> [String] {
    guard let configuration else { return [] }
    let text: String?
    do throws(Failure) {
      text = try await files.texts(of: [configuration], commit: commit, isDirty: false)[configuration]
    } catch {
      if error.kind == .cancelled { throw error }
      text = nil
    }
    // What is missing or cannot be read is refused before the image is built, with its place.
    return text.flatMap { try? InfraConfiguration($0) }?.databases ?? []
  }
}
