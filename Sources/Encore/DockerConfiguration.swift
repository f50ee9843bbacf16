import Crypto
import FoundationEssentials
import JSON
import Model
import Processes

/// Reads the credentials that `docker login` stored: in the file itself, or behind a helper program that is
/// asked over its standard input.
struct DockerConfiguration: Sendable {
  /// The variables of this process.
  let process: [String: String]
  let launcher: Launcher

  func credentials(for registry: String) async -> RegistryCredentials? {
    let directory = process["DOCKER_CONFIG"] ?? process["HOME"].map { $0 + "/.docker" }
    guard let directory, let data = try? Data(contentsOf: URL(filePath: directory + "/config.json")),
      let file = try? JSON(parsing: data)
    else { return nil }
    // Docker's hub is stored under the address of its first API.
    let keys =
      registry == ImageReference.hub
      ? ["https://index.docker.io/v1/", "docker.io"] : [registry, "https://" + registry]
    for key in keys {
      let helper = file["credHelpers"]?[key]?.string ?? file["credsStore"]?.string
      if let helper, let found = await ask(helper, key) { return found }
      guard let coded = file["auths"]?[key]?["auth"]?.string, let bytes = Base64.decode(coded) else {
        continue
      }
      let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1)
      if parts.count == 2 {
        return RegistryCredentials(user: String(parts[0]), password: Sensitive(String(parts[1])))
      }
    }
    return nil
  }

  private func ask(_ helper: String, _ key: String) async -> RegistryCredentials? {
    guard helper.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }) else { return nil }
    let result = try? await launcher.run(
      ProcessSpecification(
        "docker-credential-" + helper, ["get"], environment: process, input: Array(key.utf8),
        outputLimit: 64 << 10),
      timeout: .seconds(20))
    guard let result, result.exit.isSuccess, let answer = try? JSON(parsing: result.output),
      let user = answer["Username"]?.string, let password = answer["Secret"]?.string
    else { return nil }
    return RegistryCredentials(user: user, password: Sensitive(password))
  }
}
