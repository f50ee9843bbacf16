import Foundation
import Processes
import TestSupport
import Testing

/// A secret is planted where it could leak, and everything that leaves the process is searched for it.
@Suite(.timeLimit(.minutes(5))) struct PlantedSecretTests {
  private static let token = "tok_live_Zm9vYmFy/+SECRET=42"

  @Test func aSecretReachesItsServiceAndNothingElse() async throws {
    let project = try await GitProject()
    // The application betrays it, the front end never becomes healthy, and a command looks around.
    try project.change(
      "app/server.py", "print(f\"{ROLE} {REVISION[:7]} listens\", flush=True)",
      "print('key is', os.environ.get('API_KEY'), flush=True)")
    try project.change(
      "environments/demo.yaml", "run: [python3, -m, py_compile, app/server.py]", "run: [python3, app/look.py]"
    )
    try project.write(
      """
      import os, pathlib
      print(dict(os.environ))
      for entry in pathlib.Path("/proc").iterdir():
          if entry.name.isdigit():
              try:
                  line = (entry / "cmdline").read_bytes().decode(errors="replace")
              except OSError:
                  continue
              if "shipit" in line:
                  print(line)
      """, to: "app/look.py")
    try await project.commit("betray")
    let seed = project.scratch.path + "/seed.json"
    try String(contentsOfFile: Checkout.root + "/Tests/Support/two-services-seed.json", encoding: .utf8)
      .replacingOccurrences(of: "demo-token", with: Self.token).write(
        toFile: seed, atomically: true, encoding: .utf8)
    let twin = try await TwinProcess.start(for: project, seed: seed)
    var variables = twin.variables
    variables["RAILWAY_API_TOKEN"] = Self.token
    variables["TMPDIR"] = project.scratch.path + "/tmp"
    try FileManager.default.createDirectory(
      atPath: project.scratch.path + "/tmp", withIntermediateDirectories: true)
    var seen: [String] = []
    do {
      let good = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(good.code == 0, "\(good.text)")
      seen.append(good.text)
      try project.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      try await project.commit("fail the gate")
      let bad = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(bad.code == 7, "\(bad.text)")
      seen.append(bad.text)
      for arguments in [
        ["status", "demo", "--json"], ["why", "demo"], ["why", "demo", "--json"],
        ["history", "demo", "--json"],
        ["logs", "demo", "api"], ["logs", "demo", "api", "--json"], ["plan", "demo", "--again"],
        ["plan", "demo", "--json"],
        ["doctor", "demo"], ["rollback", "demo", "--yes"],
      ] {
        seen.append(try await project.shipit(arguments, variables: variables).text)
      }
      // The key reached its service: its own log says so, with the value taken out.
      let logs = try await project.shipit("logs", "demo", "api", variables: variables)
      #expect(logs.text.contains("key is"), "\(logs.text)")
      // A wrong token is refused without being repeated.
      variables["RAILWAY_API_TOKEN"] = Self.token + "x"
      let refused = try await project.shipit("plan", "demo", variables: variables)
      #expect(refused.code == 4, "\(refused.text)")
      seen.append(refused.text)
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
    seen.append(contentsOf: try files(under: project.path + "/.shipit"))
    seen.append(contentsOf: try files(under: project.scratch.path + "/tmp"))
    for form in forms(of: TwinProcess.plantedKey) + forms(of: Self.token) {
      for text in seen where text.contains(form) {
        let place = text.range(of: form).map { text[..<$0.lowerBound].suffix(80) } ?? ""
        Issue.record("a secret leaked as “\(form)” after “\(place)”")
      }
    }
  }

  private func forms(of secret: String) -> [String] {
    let base64 = Data(secret.utf8).base64EncodedString()
    let escaped = secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? secret
    let json = (try? JSONEncoder().encode(secret)).map {
      String(decoding: $0, as: UTF8.self).dropFirst().dropLast()
    }
    return [secret, base64, escaped, String(json ?? "")].filter { !$0.isEmpty }
  }

  /// The bytes of every file, as text in which ASCII is itself.
  private func files(under directory: String) throws -> [String] {
    let names = (FileManager.default.enumerator(atPath: directory)?.allObjects as? [String]) ?? []
    return names.compactMap { FileManager.default.contents(atPath: directory + "/" + $0) }
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
