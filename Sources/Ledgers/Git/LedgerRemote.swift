import Model
import Processes

/// The project's remote that a git ledger lives on, and the settings with which the project reaches it.
///
/// The ledger works in a repository of its own, which knows nothing of the project's configuration: what
/// concerns the network is read here and handed to each git by its environment, never by arguments, for
/// headers and addresses may hold tokens.
struct LedgerRemote: Sendable {
  /// The remote's name in the project.
  let name: String
  /// The remote's address for messages, without user and password.
  let shownURL: String
  /// Where relative addresses begin: the work tree's top.
  let directory: String
  /// In git's order; the remote is called `ledger` in them.
  let settings: [(key: String, value: String)]

  /// - Parameter git: runs git in the project.
  /// - Throws: `configuration` outside of a repository, or without such a remote.
  static func find(_ name: String, in root: String, git: LedgerGit) async throws(Failure) -> LedgerRemote {
    let top = try await git.run(["rev-parse", "--show-toplevel"], in: root)
    guard top.exit.isSuccess else {
      throw Failure(
        .configuration,
        "`state: git` keeps the ledger on the project's remote, and \(root) is in no repository",
        cause: LedgerGit.words(of: top), hint: "run it in a clone, or write `state: local`")
    }
    let listing = try await git.run(["config", "--list", "--includes", "-z"], in: root)
    guard listing.exit.isSuccess else {
      throw Failure(
        .configuration, "git's configuration in \(root) cannot be read", cause: LedgerGit.words(of: listing))
    }
    let settings = pairs(listing.text)
    let addresses =
      settings.filter { $0.key == "remote.\(name).pushurl" }
      + settings.filter { $0.key == "remote.\(name).url" }
    guard let url = addresses.first?.value, !url.isEmpty else {
      throw Failure(
        .configuration, "`state: git` keeps the ledger on the remote `\(name)`, and there is none",
        place: root, hint: "git remote add \(name) URL, or write `state: local`")
    }
    var line = top.text
    if line.hasSuffix("\n") { line.removeLast() }
    return LedgerRemote(
      name: name, shownURL: LedgerGit.withoutCredentials(url), directory: line.isEmpty ? root : line,
      settings: [("remote.ledger.url", url)] + network(settings, remote: name))
  }

  /// `key\nvalue\0`; a key alone means true.
  static func pairs(_ listing: String) -> [(key: String, value: String)] {
    listing.split(separator: "\0").map { entry in
      guard let end = entry.firstIndex(of: "\n") else { return (String(entry), "true") }
      return (String(entry[..<end]), String(entry[entry.index(after: end)...]))
    }
  }

  /// What of the project's configuration decides how the remote is reached.
  static func network(_ settings: [(key: String, value: String)], remote: String) -> [(
    key: String, value: String
  )] {
    let prefixes = ["http.", "credential.", "url.", "ssh.", "protocol."]
    let names: Set<String> = ["core.sshcommand", "core.gitproxy"]
    let own = Set(
      ["proxy", "proxyauthmethod", "uploadpack", "receivepack", "vcs"].map { "remote.\(remote).\($0)" })
    var lists: Set<String> = []
    var result: [(key: String, value: String)] = []
    for (key, value) in settings {
      if own.contains(key) {
        result.append(("remote.ledger." + key.dropFirst("remote.\(remote).".count), value))
      } else if names.contains(key) || prefixes.contains(where: { key.hasPrefix($0) }) {
        // These are lists that grow, and git reads the user's own files again: an empty value begins anew.
        if key.hasSuffix(".helper") || key.hasSuffix(".extraheader"), lists.insert(key).inserted {
          result.append((key, ""))
        }
        result.append((key, value))
      }
    }
    return result
  }
}
