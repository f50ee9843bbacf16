import Concurrency
import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

/// vercel.json, build output, and builds by Vercel's own tool.
@Suite struct SourceTests {
  private let create = "POST /v13/deployments"

  private func vercel(_ more: [String: [Reply]] = [:]) -> FakeVercel {
    FakeVercel(
      [
        create: [.json(Sample.deployment("dpl_new"))],
        "GET /v13/deployments/dpl_new": [.json(Sample.deployment("dpl_new", substate: "STAGED"))],
        "GET /v10/projects/prj_web/env": [Sample.variables([])],
      ].merging(more) { _, own in own })
  }

  private func deploy(_ source: PlannedSource, variables: [String: PlannedValue]? = nil) -> Step {
    Sample.step(.deploy(Sample.request(source, variables: variables)))
  }

  // MARK: vercel.json

  @Test("the keys of vercel.json that the API carries go where the table says")
  func carried() async throws {
    let file =
      #"{"$schema": "x", "buildCommand": "make", "ignoreCommand": null, "regions": ["fra1"], "git": {"deploymentEnabled": false}}"#
    let vercel = vercel()
    let source = PlannedSource.directory(path: ".", root: "frontend", include: [])
    let outcome = await vercel.platform(packer: FakePacker(files: ["frontend/vercel.json": file])).perform(
      deploy(source), Sample.call(vercel.clock))
    #expect(outcome.word == "done")
    let body = try #require(vercel.calls(create).first).body
    #expect(
      body["projectSettings"]
        == ["buildCommand": "make", "commandForIgnoringBuildStep": .null, "rootDirectory": "frontend"])
    #expect(body["regions"] == ["fra1"])
  }

  @Test("any other key is refused by name before anything is uploaded")
  func foreign() async throws {
    let file = #"{"buildCommand": "make", "rewrites": [], "crons": []}"#
    let vercel = vercel()
    let outcome = await vercel.platform(packer: FakePacker(files: ["vercel.json": file])).perform(
      deploy(Sample.directory), Sample.call(vercel.clock))
    let failure = try #require(outcome.failure)
    #expect(
      failure.kind == .configuration
        && failure.message == "`crons`, `rewrites` in vercel.json needs `source.build: cli`")
    #expect(vercel.calls.isEmpty)
    let broken = await vercel.platform(packer: FakePacker(files: ["vercel.json": "{"])).perform(
      deploy(Sample.directory), Sample.call(vercel.clock))
    #expect(broken.failure?.place == "vercel.json")
  }

  @Test("the page of the documentation holds the same tables as the code")
  func documented() throws {
    let page = try String(contentsOfFile: Checkout.root + "/docs/vercel.md", encoding: .utf8)
    for row in ProjectConfiguration.table {
      let place =
        switch row.place {
        case .setting(let field): "`projectSettings.\(field)`"
        case .deployment(let field): "`\(field)` of the deployment"
        case .nothing: "nothing is sent"
        }
      #expect(page.contains("| `\(row.key)` | \(place)"), "\(row.key)")
    }
    for prefix in VariableRules.publicPrefixes { #expect(page.contains("`\(prefix)`"), "\(prefix)") }
    for name in VariableRules.reserved { #expect(page.contains("`\(name)`"), "\(name)") }
  }

  // MARK: Build output

  private func output(_ files: [String: String]) throws -> ScratchDirectory {
    let scratch = try ScratchDirectory()
    for (name, text) in files { try scratch.write(text, to: "web/.vercel/output/" + name) }
    return scratch
  }

  @Test("build output is uploaded as it is, with what its functions refer to")
  func prebuilt() async throws {
    let scratch = try output([
      "config.json": "{}", "static/index.html": "hi",
      "functions/api.func/.vc-config.json": #"{"filePathMap": {"lib.js": "node_modules/lib.js"}}"#,
    ])
    try scratch.write("x", to: "web/node_modules/lib.js")
    let vercel = vercel()
    let outcome = await vercel.platform(root: scratch.path).perform(
      deploy(.prebuilt(path: "web")), Sample.call(vercel.clock))
    #expect(outcome.word == "done")
    let call = try #require(vercel.calls(create).first)
    #expect(call.query["prebuilt"] == "1")
    #expect(
      (call.body["files"]?.array ?? []).compactMap { $0["file"]?.string }
        == [
          ".vercel/output/config.json", ".vercel/output/functions/api.func/.vc-config.json",
          ".vercel/output/static/index.html", "node_modules/lib.js",
        ])
  }

  @Test(
    "output that is missing, for another target, or that holds variables is refused",
    arguments: [
      ([:], "no build output"),
      (["config.json": "{}", "builds.json": #"{"target": "preview"}"#], "built for preview"),
      (["config.json": "{}", "functions/a.func/.env.local": "S=1"], "files of variables"),
      (
        ["config.json": "{}", "functions/a.func/.vc-config.json": #"{"filePathMap": {"a": "../../etc/x"}}"#],
        "outside of it"
      ),
      (
        ["config.json": "{}", "functions/a.func/.vc-config.json": #"{"filePathMap": {"a": "gone.js"}}"#],
        "is not there"
      ),
    ])
  func refusedOutput(files: [String: String], words: String) async throws {
    let scratch = try output(files)
    let vercel = vercel()
    let platform = vercel.platform(root: scratch.path)
    let outcome = await platform.perform(deploy(.prebuilt(path: "web")), Sample.call(vercel.clock))
    #expect(outcome.failure?.message.contains(words) == true && outcome.failure?.kind == .configuration)
    // A plan says the same before anything goes live.
    let foreseen = try #require(outcome.failure)
    await #expect(throws: foreseen) { try await platform.inspect(.prebuilt(path: "web"), of: "web") }
    #expect(vercel.calls.isEmpty)
  }

  @Test("a plan to build here is refused where the tool is missing")
  func missingTool() async throws {
    let scratch = try ScratchDirectory()
    let platform = vercel().platform(variables: ["PATH": scratch.path])
    await #expect {
      try await platform.inspect(.commandLineBuild(path: ".", root: nil, include: []), of: "web")
    } throws: {
      ($0 as? Failure)?.kind == .configuration && ($0 as? Failure)?.hint?.contains("npm install") == true
    }
  }

  @Test("what a killed process left is removed by the next one")
  func sweep() throws {
    let scratch = try ScratchDirectory()
    // No process has the number 2^22 and more.
    try scratch.write("S=1", to: "shipit-vercel-99999999-abc/.vercel/.env.production.local")
    try scratch.write("x", to: "shipit-vercel-\(getpid())-abc/kept")
    let directory = try PrivateDirectory(in: scratch.path)
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/shipit-vercel-99999999-abc"))
    #expect(FileManager.default.fileExists(atPath: scratch.path + "/shipit-vercel-\(getpid())-abc/kept"))
    let mode = try FileManager.default.attributesOfItem(atPath: directory.path)[.posixPermissions] as? Int
    #expect(mode == 0o700)
  }

  // MARK: vercel build

  /// A program called `vercel` that notes what it was given and leaves build output.
  private func tool(
    _ scratch: ScratchDirectory, version: String = "58.4.4", exit: Int = 0, extra: String = ""
  )
    throws -> [String: String]
  {
    try scratch.write(
      """
      #!/bin/sh
      if [ "$1" = --version ]; then echo "Vercel CLI \(version)" >&2; echo "\(version)"; exit 0; fi
      echo "$@" > "$TMPDIR/arguments"
      env > "$TMPDIR/environment"
      cp .vercel/.env.production.local "$TMPDIR/variables"
      cp .vercel/project.json "$TMPDIR/project.json"
      stat -c %a .vercel/.env.production.local > "$TMPDIR/mode"
      echo "building"
      mkdir -p .vercel/output/static
      echo '{}' > .vercel/output/config.json
      cp index.html .vercel/output/static/index.html
      \(extra)
      exit \(exit)
      """, to: "bin/vercel")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scratch.path + "/bin/vercel")
    return [
      "PATH": scratch.path + "/bin:/usr/bin:/bin", "TMPDIR": scratch.path, "HOME": scratch.path,
      "AWS_SECRET_ACCESS_KEY": "leak-me-not", "VERCEL_TOKEN": "leak-me-neither", "CI": "true",
    ]
  }

  private let source = PlannedSource.commandLineBuild(path: ".", root: nil, include: [])
  private let packer = FakePacker(files: ["index.html": "hi", "vercel.json": #"{"rewrites": []}"#])
  private let secrets = SecretValues(values: ["DB": Sensitive("it's \"hush\"\nhush")]) { _ in "f" }

  @Test("vercel build runs in a private checkout with real secrets, an allow-list, and no question asked")
  func build() async throws {
    let scratch = try ScratchDirectory()
    let vercel = vercel([
      "GET /v10/projects/prj_web/env": [
        Sample.variables([
          Sample.variable("STORED", "plain"), Sample.variable("HIDDEN", type: "sensitive"),
          Sample.variable("DB", type: "sensitive"),
        ])
      ]
    ])
    let record = Record()
    let outcome = await vercel.platform(secrets: secrets, packer: packer, variables: try tool(scratch))
      .perform(
        deploy(source, variables: ["DB": .secret(name: "DB", fingerprint: "f")]),
        Sample.call(vercel.clock, record: record))
    #expect(outcome.word == "done", "\(outcome.failure?.description ?? "")")
    #expect(
      try scratch.read("arguments").hasPrefix("build --prod --yes --standalone --non-interactive --cwd "))
    let environment = try scratch.read("environment")
    #expect(
      environment.contains("VERCEL_ORG_ID=team_acme") && environment.contains("VERCEL_PROJECT_ID=prj_web"))
    #expect(!environment.contains("leak-me"))
    #expect(try scratch.read("mode") == "600\n")
    let variables = try scratch.read("variables")
    #expect(variables.contains("STORED='plain'\n"))
    #expect(!variables.contains("DB=") && environment.contains("DB=it's \"hush\"\nhush\n"))
    #expect(variables.contains("SHIPIT_COMMIT='\(Sample.commit)'"))
    #expect(!variables.contains("HIDDEN") && record.logs.contains { $0.contains("HIDDEN") })
    #expect(record.logs.contains("building"))
    let link = try JSON(parsing: Array(scratch.read("project.json").utf8))
    #expect(link["projectId"] == "prj_web" && link["settings"]?["nodeVersion"] == "22.x")
    let call = try #require(vercel.calls(create).first)
    #expect(call.query["prebuilt"] == "1")
    #expect(
      (call.body["files"]?.array ?? []).compactMap { $0["file"]?.string }
        == [".vercel/output/config.json", ".vercel/output/static/index.html"])
  }

  @Test("a tool that is missing, too old or fails is told as what it is, and nothing is uploaded")
  func troubles() async throws {
    let scratch = try ScratchDirectory()
    let failing = vercel()
    let failed = await failing.platform(
      secrets: secrets, packer: packer,
      variables: try tool(scratch, exit: 1, extra: "echo it broke: $STORED >&2")
    ).perform(deploy(source), Sample.call(failing.clock))
    #expect(
      failed.failure?.message == "building web failed" && failed.failure?.cause?.contains("it broke") == true)
    let old = await failing.platform(packer: packer, variables: try tool(scratch, version: "32.1.0")).perform(
      deploy(source), Sample.call(failing.clock))
    #expect(old.failure?.message.contains("32.1.0 is too old") == true)
    let missing = await failing.platform(packer: packer, variables: ["PATH": "/nonexistent"]).perform(
      deploy(source), Sample.call(failing.clock))
    #expect(missing.failure?.kind == .configuration && missing.failure?.hint?.contains("npm install") == true)
    #expect(!failing.routes.contains(create))
  }

  @Test("a placeholder instead of a value is refused, with the name and never a value")
  func placeholder() async throws {
    let scratch = try ScratchDirectory()
    let vercel = vercel([
      "GET /v10/projects/prj_web/env": [Sample.variables([Sample.variable("KEY", "[SENSITIVE]")])]
    ])
    let outcome = await vercel.platform(packer: packer, variables: try tool(scratch)).perform(
      deploy(source), Sample.call(vercel.clock))
    #expect(outcome.failure?.message.contains("KEY") == true && outcome.failure?.kind == .configuration)
  }

  @Test(
    "values are quoted so that the tool reads them as they are; what it would alter goes another way",
    arguments: [
      ("plain", "'plain'"), ("it's", "\"it's\""), ("a\nb", "\"a\\nb\""), ("\\n", "'\\n'"), ("", "''"),
      ("#", "'#'"),
      ("say \"x\"", "'say \"x\"'"), ("it's \"x\"", nil), ("a\n\\n", nil), ("back\\", nil), (" led", nil),
      ("key\n", nil), ("a\rb", nil), ("a\nsay \"x\"", nil),
    ] as [(String, String?)])
  func quoting(value: String, quoted: String?) throws {
    #expect(BuildVariables.quoted(value) == quoted)
    let handed = try BuildVariables(["K": Sensitive(value)])
    #expect(handed.environment == (quoted == nil ? ["K": value] : [:]))
    #expect(handed.file == (quoted.map { "K=\($0)\n" } ?? ""))
  }

  @Test("the tool's version is found whatever stands around it")
  func version() {
    #expect(CommandLineBuilder.version(in: "Vercel CLI 58.4.4\n58.4.4") == "58.4.4")
    #expect(CommandLineBuilder.version(in: "no version") == nil)
  }
}
