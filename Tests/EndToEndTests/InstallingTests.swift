import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// What the installed executable carries, and how it is packed and installed.
@Suite(.timeLimit(.minutes(5))) struct `What the executable carries` {
  private func source(_ name: String) throws -> String {
    try String(contentsOfFile: Checkout.root + "/" + name, encoding: .utf8)
  }

  private static let installed = [
    ".github/actions/shipit/action.yml": "action.yml", ".github/workflows/deploy.yml": "workflows/deploy.yml",
    ".github/workflows/rollback.yml": "workflows/rollback.yml",
    ".github/workflows/backup.yml": "workflows/backup.yml",
    ".github/workflows/rollout-tick.yml": "workflows/rollout-tick.yml",
    ".github/workflows/preview.yml": "workflows/preview.yml",
  ]

  @Test func `init writes the workflows as they are, and leaves alone what was changed`() async throws {
    let project = try await GitProject()
    let first = try await project.shipit("init", "--workflows")
    #expect(first.code == 0, "\(first.text)")
    for (file, name) in Self.installed {
      #expect(try project.scratch.read("project/" + file) == source(name), "\(file)")
      #expect(first.output.contains("written    \(file)"))
    }
    let again = try await project.shipit("init", "--workflows")
    #expect(again.code == 0 && again.output.components(separatedBy: "unchanged").count == 8)

    let file = ".github/workflows/deploy.yml"
    try project.change(file, "timeout-minutes: 90", "timeout-minutes: 15")
    let mine = try project.scratch.read("project/" + file)
    let kept = try await project.shipit("init", "--workflows")
    #expect(kept.code == 2)
    #expect(try project.scratch.read("project/" + file) == mine)
    for words in ["kept       \(file)", "-     timeout-minutes: 15", "+     timeout-minutes: 90", "--force"] {
      #expect(kept.output.contains(words), "\(words): \(kept.output)")
    }
    let forced = try await project.shipit("init", "--workflows", "--force")
    #expect(forced.code == 0 && forced.output.contains("-     timeout-minutes: 15"))
    #expect(try project.scratch.read("project/" + file) == source("workflows/deploy.yml"))
  }

  @Test func `init writes at the top of the repository, wherever it is called`() async throws {
    let project = try await GitProject()
    try project.scratch.write("shipit: 1\n", to: "project/product/environments/prod.yaml")
    let result = try await project.shipit(
      "init", "--workflows", "--root", project.path + "/product", "--json")
    #expect(result.code == 0, "\(result.text)")
    #expect(FileManager.default.fileExists(atPath: project.path + "/.github/workflows/deploy.yml"))
    let document = try JSON(parsing: Array(result.output.utf8))
    #expect(
      document["files"]?.array?.compactMap { $0["state"]?.string }
        == Array(repeating: "written", count: 7))
    #expect(try await project.shipit("init").code == 2)
  }

  @Test func `init into a place that cannot be written says so`() async throws {
    let project = try await GitProject()
    try project.write("a file\n", to: ".github")
    let result = try await project.shipit("init", "--workflows")
    #expect(result.code == 2)
    #expect(result.errorOutput.contains(".github/actions/shipit/action.yml cannot be written"))
  }

  @Test func `runbooks are printed as they are written`() async throws {
    let project = try await GitProject()
    let list = try await project.shipit("runbook")
    #expect(list.code == 0)
    let pages = try FileManager.default.contentsOfDirectory(atPath: Checkout.root + "/runbooks")
      .filter { $0.hasSuffix(".md") }.map { String($0.dropLast(3)) }
    #expect(pages.count >= 5)
    for page in pages {
      #expect(list.output.contains("\n\(page)  ") || list.output.hasPrefix("\(page)  "), "\(page)")
      #expect(try await project.shipit("runbook", page).output == source("runbooks/\(page).md"))
    }
    let unknown = try await project.shipit("runbook", "lease")
    #expect(unknown.code == 2 && unknown.errorOutput.contains("lease-held"))
  }

  @Test func `it is packed the same each time, with its checksum`() async throws {
    let scratch = try ScratchDirectory()
    // Small, for what is tried is the packing.
    try scratch.write("#!/bin/sh\necho shipit 9.9.9\n", to: "shipit")
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: scratch.path + "/shipit")
    var archives: [Data] = []
    for name in ["one", "two"] {
      let result = try await Launcher().run(
        ProcessSpecification(
          Checkout.root + "/scripts/dist", [scratch.path + "/shipit", scratch.path + "/" + name],
          environment: [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "TZ": name == "one" ? "UTC" : "Asia/Tokyo",
          ],
          directory: scratch.path), timeout: .seconds(120))
      #expect(result.exit.isSuccess, "\(result.text)\(result.errorText)")
      let made = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/" + name)
      let archive = try #require(made.first { $0.hasSuffix(".tar.gz") })
      #expect(archive.hasPrefix("shipit-9.9.9-linux-"))
      archives.append(try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/\(name)/\(archive)")))
      let check = try await Launcher().run(
        ProcessSpecification(
          "sha256sum", ["--check", "--strict", "SHA256SUMS"], environment: ["PATH": "/usr/bin:/bin"],
          directory: scratch.path + "/" + name))
      #expect(check.exit.isSuccess && check.text.contains(archive))
      let listing = try await Launcher().run(
        ProcessSpecification(
          "tar", ["-tzvf", archive], environment: ["PATH": "/usr/bin:/bin"],
          directory: scratch.path + "/" + name))
      #expect(listing.text.contains(#/-rwxr-xr-x 0\/0 .*\/shipit\n/#), "\(listing.text)")
    }
    #expect(archives[0] == archives[1])
  }

  /// The first step of the action, as it is written, with a `curl` that hands out what was packed.
  @Test func `the action takes the release that is pinned, and no other`() async throws {
    let scratch = try ScratchDirectory()
    try scratch.write("#!/bin/sh\necho shipit 9.9.9\n", to: "shipit")
    try scratch.write(
      """
      #!/bin/bash
      while [ $# -gt 1 ]; do [ "$1" = --output ] && file=$2; shift; done
      printf '%s' "$1" > "$RUNNER_TEMP/url"
      cp "$RUNNER_TEMP"/dist/*.tar.gz "$file"
      """, to: "bin/curl")
    for file in ["shipit", "bin/curl"] {
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o700], ofItemAtPath: scratch.path + "/" + file)
    }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let packed = try await Launcher().run(
      ProcessSpecification(
        Checkout.root + "/scripts/dist", [scratch.path + "/shipit", scratch.path + "/dist"],
        environment: ["PATH": path], directory: scratch.path))
    #expect(packed.exit.isSuccess, "\(packed.errorText)")
    let digest = try String(scratch.read("dist/SHA256SUMS").prefix(64))
    let action = try source("action.yml")
    let start = try #require(action.range(of: "      run: |\n"))
    let end = try #require(action.range(of: "\n    - id: run\n"))
    let script = action[start.upperBound..<end.lowerBound].split(
      separator: "\n", omittingEmptySubsequences: false
    ).map { $0.dropFirst(8) }.joined(separator: "\n")
    try scratch.write(script, to: "get.sh")
    func get(_ variables: [String: String]) async throws -> ProcessResult {
      try scratch.write("", to: "output")
      let standard = [
        "PATH": scratch.path + "/bin:/usr/bin:/bin", "RUNNER_TEMP": scratch.path,
        "GITHUB_SERVER_URL": "https://github.com", "GITHUB_OUTPUT": scratch.path + "/output",
        "ACTION_PATH": scratch.path, "PIN_REPOSITORY": "acme/shipit", "PIN_VERSION": "9.9.9",
        "PIN_SHA256": "",
      ]
      return try await Launcher().run(
        ProcessSpecification(
          "bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", scratch.path + "/get.sh"],
          environment: standard.merging(variables) { $1 }, directory: scratch.path))
    }
    let good = try await get(["PIN_SHA256": digest])
    #expect(good.exit.isSuccess, "\(good.errorText)")
    let directory = try scratch.read("output").replacingOccurrences(of: "directory=", with: "")
      .trimmingCharacters(in: .newlines)
    #expect(FileManager.default.isExecutableFile(atPath: directory + "/shipit"), "\(directory)")
    let url = try scratch.read("url")
    #expect(
      url.contains(
        #/^https:\/\/github.com\/acme\/shipit\/releases\/download\/v9\.9\.9\/shipit-9\.9\.9-linux-\w+\.tar\.gz$/#
      ),
      "\(url)")
    let other = try await get(["PIN_SHA256": String(repeating: "0", count: 64)])
    #expect(!other.exit.isSuccess)
    #expect(try scratch.read("output") == "", "nothing is handed on")
    // Nothing pinned, nothing there, nothing to build.
    let nothing = try await get([:])
    #expect(!nothing.exit.isSuccess && nothing.text.contains("::error title=shipit::no release is pinned"))
  }

  @Test func `it is installed below a prefix, also over one that runs`() async throws {
    let scratch = try ScratchDirectory()
    var variables = ["PATH": "/usr/bin:/bin", "PREFIX": scratch.path + "/local"]
    func install() async throws -> ProcessResult {
      try await Launcher().run(
        ProcessSpecification(
          Checkout.root + "/scripts/install", [Checkout.binary], environment: variables,
          directory: scratch.path))
    }
    let first = try await install()
    let installed = scratch.path + "/local/bin/shipit"
    #expect(first.exit.isSuccess, "\(first.errorText)")
    #expect(first.text.contains("installed \(installed) (shipit "))
    #expect(first.text.contains("export PATH=\(scratch.path)/local/bin:$PATH"))
    variables["PATH"] = scratch.path + "/local/bin:/usr/bin:/bin"
    try await TestChild.with(
      ProcessSpecification(
        installed, ["twin"], environment: ["PATH": "/usr/bin:/bin"], directory: scratch.path),
      ready: { $0.contains("SHIPIT_RAILWAY_URL") ? true : nil }
    ) { _ in
      let second = try await install()
      #expect(second.exit.isSuccess, "\(second.errorText)")
      #expect(!second.text.contains("export PATH"))
    }
    try FileManager.default.removeItem(atPath: scratch.path + "/local")
    try scratch.write("a file", to: "local")
    let refused = try await install()
    #expect(!refused.exit.isSuccess && refused.errorText.contains("make install PREFIX="))
  }
}
