import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// What a user sees of secret sources: a deploy whose secrets come from a program and from SOPS.
@Suite(
  .timeLimit(.minutes(5)),
  .enabled(if: SOPSPrograms.areThere, "sops or age-keygen is not there: make setup puts both there"))
struct SecretSourceTests {
  private func run(
    _ project: GitProject, _ command: String..., input: String = ""
  ) async throws -> String {
    let result = try await Launcher().run(
      ProcessSpecification(
        command[0], Array(command.dropFirst()), environment: project.variables, directory: project.path,
        input: Array(input.utf8)))
    try #require(result.exit.isSuccess, "\(command): \(result.errorText)")
    return result.text.trimmingCharacters(in: .newlines)
  }

  @Test(
    "a deploy takes its secrets from where they are kept; one that cannot is told why and changes nothing")
  func deploy() async throws {
    var project = try await GitProject()
    project.variables["PATH"] = SOPSPrograms.folder + ":" + (project.variables["PATH"] ?? "")
    let identity = try await run(project, "age-keygen")
    let recipient = try await run(project, "age-keygen", "-y", input: identity)
    let key = try #require(identity.split(separator: "\n").last.map(String.init))
    let values: JSON = ["service": ["key": .string(TwinProcess.plantedKey)]]
    try project.write(values.serialized(), to: "plain.json")
    let text = try await run(project, "sops", "encrypt", "--age", recipient, "plain.json")
    try FileManager.default.removeItem(atPath: project.path + "/plain.json")
    try project.write(text, to: "secrets/prod.enc.json")
    try project.change(
      "environments/demo.yaml", "provision: adopt\n",
      """
      provision: adopt
      secrets:
        sources:
          - environment
          - command: {run: [python3, -c, "import json; print(json.dumps({'RAILWAY_API_TOKEN': 'demo-token'}))"]}
          - sops:
              file: secrets/prod.enc.json
              key: {secret: DEPLOY_AGE_KEY}
              names: {DEMO_API_KEY: service.key}

      """)
    try await project.commit("secrets where they are kept")
    let twin = try await TwinProcess.start(for: project)
    var variables = twin.variables.filter { !["RAILWAY_API_TOKEN", "DEMO_API_KEY"].contains($0.key) }
    do {
      let without = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(without.code == 2, "\(without.text)")
      #expect(
        without.text.contains("DEPLOY_AGE_KEY, by which it is reached, has no value"), "\(without.text)")

      // Who looks needs the platform's token alone, which an earlier source has.
      let status = try await project.shipit("status", "demo", variables: variables)
      #expect(status.code == 0, "\(status.text)")

      let stranger = try await run(project, "age-keygen").split(separator: "\n").last
      variables["DEPLOY_AGE_KEY"] = String(try #require(stranger))
      let wrong = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(wrong.code == 4, "\(wrong.text)")
      #expect(wrong.text.contains("secrets/prod.enc.json cannot be decrypted"), "\(wrong.text)")
      #expect(wrong.text.contains("needed from it: DEMO_API_KEY"), "\(wrong.text)")

      variables["DEPLOY_AGE_KEY"] = key
      let good = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(good.code == 0, "\(good.text)")
      let doctor = try await project.shipit("doctor", "demo", variables: variables)
      #expect(doctor.text.contains("every name has a value"), "\(doctor.text)")
      let again = try await project.shipit(
        "plan", "demo", "--detailed-exitcode", variables: variables)
      #expect(again.code == 0, "\(again.text)")
      for said in [without, status, wrong, good, doctor, again] {
        #expect(!said.text.contains(TwinProcess.plantedKey) && !said.text.contains("AGE-SECRET-KEY-1"))
      }
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}

private enum SOPSPrograms {
  static let folder = Checkout.root + "/build/venv/bin"
  static let areThere =
    FileManager.default.isExecutableFile(atPath: folder + "/sops")
    && FileManager.default.isExecutableFile(atPath: "/usr/bin/age-keygen")
}
