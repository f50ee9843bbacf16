import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// The workflows as users get them, run by act on this machine, against the twin.
@Suite(
  .timeLimit(.minutes(15)),
  .enabled(if: Act.isThere, "build/venv has no act: make setup puts it there"))
struct `Workflows under act` {
  @Test func `deploy`() async throws {
    try await Act.with { act in
      let commit = try await act.world.project.git("rev-parse", "HEAD")
      let run = try await act.run("deploy")
      #expect(run.code == 0, "\(run.text.suffix(4000))")
      #expect(try await act.live() == commit)
      #expect(try await act.world.deployments().first?["states"] == ["in_progress", "success"])
      // The ledger is on the remote: the job's directory is gone.
      #expect(try await act.world.project.git("ls-remote", "origin").contains("refs/shipit/demo"))
      #expect(!run.text.contains(TwinProcess.plantedKey), "a secret is in the log")
    }
  }

  @Test func `a pull request has a preview and one comment, and neither after it is closed`() async throws {
    try await Act.with { act in
      let (project, world) = (act.world.project, act.world)
      let deployed = try await project.shipit("deploy", "demo", "--yes", variables: world.twin.variables)
      try #require(deployed.code == 0, "\(deployed.text)")
      let live = try await act.live()
      // A project token acts in one environment alone.
      try await world.twin.control(
        "POST", "seed", ["tokens": [["token": "wide-token", "kind": "workspace", "workspace": "demo"]]])
      try await project.git("checkout", "-q", "-b", "feature/greeting")
      for (action, greeting) in [("opened", "good day"), ("synchronize", "good evening")] {
        try project.change(
          "app/server.py", action == "opened" ? "\"hello\"" : "\"good day\"", "\"\(greeting)\"")
        let commit = try await project.commit(greeting)
        let run = try await act.pullRequest(action, commit: commit)
        #expect(run.code == 0, "\(run.text.suffix(6000))")
        let comments = try await act.comments()
        #expect(comments.count == 1, "\(comments)")
        let comment = try #require(comments.first)
        #expect(comment.contains("### Preview `pr-7` of demo"), "\(comment)")
        #expect(comment.contains("`\(commit.prefix(7))`"), "\(comment)")
        #expect(comment.contains("### Deploy to demo: plan"), "\(comment)")
        #expect(comment.contains("nothing was executed"), "\(comment)")
        let address = try #require(comment.firstMatch(of: #/api \| <(http[^>]+)>/#)?.1)
        #expect(try await world.twin.ask("\(address)/health")["revision"]?.string == commit)
        #expect(try await act.live() == live, "production goes on with its own")
        #expect(!run.text.contains(TwinProcess.plantedKey), "a secret is in the log")
      }
      let closed = try await act.pullRequest("closed", commit: try await project.git("rev-parse", "HEAD"))
      #expect(closed.code == 0, "\(closed.text.suffix(6000))")
      let comments = try await act.comments()
      #expect(comments.count == 1 && comments.first?.contains("`pr-7`: deleted") == true, "\(comments)")
      let state = try await world.twin.control("GET", "state")
      #expect(state["environments"]?.array?.compactMap(\.string) == ["production"])
      #expect(try await act.live() == live)
      let deployments = try await world.deployments().filter { $0["environment"]?.string == "pr-7" }
      #expect(deployments.allSatisfy { $0["state"]?.string == "inactive" }, "\(deployments)")
    }
  }

  @Test(.enabled(if: Checkout.isLong, "the long sweep alone (SHIPIT_LONG=1): several jobs"))
  func `a failing deploy puts back, and rollback goes back`() async throws {
    try await Act.with { act in
      let (project, world) = (act.world.project, act.world)
      let first = try await project.git("rev-parse", "HEAD")
      #expect(try await act.run("deploy").code == 0)
      try project.change("app/server.py", "listens", "is listening")
      let second = try await project.commit("second")
      #expect(try await act.run("deploy").code == 0)
      try project.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      try await project.commit("never healthy")
      let failed = try await act.run("deploy")
      #expect(failed.code != 0)
      #expect(failed.text.contains("what it moved was put back and proven"), "\(failed.text.suffix(4000))")
      #expect(try await act.live() == second)
      let back = try await act.run("rollback", inputs: ["reason": "it's $(slow) & \"odd\""])
      #expect(back.code == 0, "\(back.text.suffix(4000))")
      #expect(try await act.live() == first)
      #expect(
        try await world.deployments().map { $0["states"]?.array?.last?.string }
          == ["success", "failure", "inactive", "inactive"])
      let history = try await project.shipit("history", "demo", variables: world.twin.variables)
      #expect(history.text.contains("it's $(slow) & \"odd\""), "\(history.text)")
    }
  }

  @Test(.enabled(if: Checkout.isLong, "the long sweep alone (SHIPIT_LONG=1): several jobs"))
  func `what a killed deploy left is settled by Finish, and a re-run deploys`() async throws {
    try await Act.with { act in
      let commit = try await act.world.project.git("rev-parse", "HEAD")
      async let killed = act.run("deploy")
      try await act.killDeploy()
      let first = try await killed
      #expect(first.code != 0)
      #expect(first.text.contains("is freed: its process is gone"), "\(first.text.suffix(4000))")
      #expect(first.text.contains("demo is settled: run 1"), "\(first.text.suffix(4000))")
      let again = try await act.run("deploy")
      #expect(again.code == 0, "\(again.text.suffix(4000))")
      #expect(try await act.live() == commit)
      let made = try await act.world.deployments()
      #expect(made.first?["states"]?.array?.last == "success", "\(made)")
      #expect(made.allSatisfy { $0["states"]?.array?.last != "in_progress" }, "\(made)")
    }
  }

  @Test(
    .enabled(if: Checkout.isLong, "the long sweep alone (SHIPIT_LONG=1): waits for the lease of a dead job"))
  func `a re-run after the runner was lost goes on with the run`() async throws {
    try await Act.with { act in
      let commit = try await act.world.project.git("rev-parse", "HEAD")
      async let killed = act.run("deploy")
      try await act.killDeploy(withRunner: true)
      #expect(try await killed.code != 0)
      let again = try await act.run("deploy")
      #expect(again.code == 0, "\(again.text.suffix(4000))")
      #expect(try await act.live() == commit)
      let made = try await act.world.deployments()
      #expect(made.count == 1, "the re-run found the deployment of the first attempt")
      #expect(made.first?["states"]?.array?.last == "success")
      let history = try await act.world.project.shipit(
        "history", "demo", "--json", variables: act.world.twin.variables)
      let releases = try JSON(parsing: Array(history.output.utf8))["entries"]?.array ?? []
      #expect(releases.map { $0["release"]?.int } == [1], "one run, gone on with: \(history.output)")
    }
  }
}

/// act with a project that has the workflows.
struct Act: Sendable {
  let world: ActionsWorld

  static let program = Checkout.root + "/build/venv/bin/act"
  static var isThere: Bool { FileManager.default.isExecutableFile(atPath: program) }

  /// A project with a remote, the ledger on it, and what `init --workflows` writes, as far as act knows it.
  static func with(_ body: (Act) async throws -> Void) async throws {
    let environment = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services.yaml", encoding: .utf8
    ).replacingOccurrences(of: "state: local", with: "state: git")
    try await ActionsWorld.with(environment: environment) { world in
      let project = world.project
      let origin = project.scratch.path + "/origin.git"
      try await project.git("init", "-q", "--bare", "-b", "main", origin)
      try await project.git("remote", "add", "origin", origin)
      #expect(try await project.shipit("init", "--workflows").code == 0)
      for name in ["deploy", "rollback", "preview"] {
        let file = ".github/workflows/\(name).yml"
        // Newer than act 0.2.89: it knows none of these three. What each does is GitHub's alone.
        try project.change(file, "      queue: max\n", "")
        try project.change(file, "      deployment: false\n", "")
        try project.change(file, "uses: $/.github", "uses: ./.github")
        try project.change(
          file, "      RAILWAY_API_TOKEN:",
          "      DEMO_API_KEY: ${{ secrets.DEMO_API_KEY }}\n      RAILWAY_API_TOKEN:")
      }
      // act copies the repository as it is; a checkout of a named commit it would fetch from GitHub.
      let preview = ".github/workflows/preview.yml"
      try project.change(preview, "          ref: ${{ github.event.pull_request.head.sha }}\n", "")
      try project.change(preview, "SHIPIT_BASE: prod", "SHIPIT_BASE: demo")
      try FileManager.default.createDirectory(
        atPath: project.scratch.path + "/bin", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: project.scratch.path + "/bin/shipit", withDestinationPath: Checkout.binary)
      try await project.commit("workflows")
      try await project.git("push", "-q", "origin", "main")
      try await body(Act(world: world))
    }
  }

  /// Runs one workflow as a dispatch would.
  func run(_ workflow: String, inputs: [String: String] = [:]) async throws -> (code: Int32, text: String) {
    var arguments = [
      "workflow_dispatch", "-W", ".github/workflows/\(workflow).yml", "--input", "environment=demo",
    ]
    for (name, value) in inputs.sorted(by: { $0.key < $1.key }) {
      arguments += ["--input", "\(name)=\(value)"]
    }
    return try await run(arguments, secrets: world.variables)
  }

  /// Runs the workflow of previews as pull request 7 of this repository would.
  func pullRequest(_ action: String, commit: String) async throws -> (code: Int32, text: String) {
    let repository: JSON = ["full_name": .string(ActionsWorld.repository)]
    let event: JSON = [
      "action": .string(action), "number": 7,
      "pull_request": [
        "number": 7, "base": ["ref": "main", "repo": repository],
        "head": ["ref": "feature/greeting", "sha": .string(commit), "repo": repository],
      ],
    ]
    try world.project.scratch.write(event.serialized(), to: "event.json")
    var secrets = world.variables
    secrets["RAILWAY_API_TOKEN"] = "wide-token"
    return try await run(
      [
        "pull_request", "-W", ".github/workflows/preview.yml", "-e",
        world.project.scratch.path + "/event.json",
      ], secrets: secrets)
  }

  /// The texts of the pull request's comments.
  func comments() async throws -> [String] {
    (try await world.twin.control("GET", "github/state")["comments"]?.array ?? []).compactMap {
      $0["body"]?.string
    }
  }

  private func run(
    _ event: [String], secrets: [String: String]
  ) async throws -> (code: Int32, text: String) {
    let project = world.project
    var arguments = event + ["-P", "ubuntu-latest=-self-hosted", "--no-cache-server"]
    var variables = project.variables
    variables["PATH"] = project.scratch.path + "/bin:" + (variables["PATH"] ?? "")
    // By the environment: a secret in an argument is everybody's.
    for name in ["RAILWAY_API_TOKEN", "DEMO_API_KEY", "GITHUB_TOKEN"] {
      arguments += ["--secret", name]
      variables[name] = secrets[name]
    }
    for name in ["SHIPIT_RAILWAY_URL", "SHIPIT_GITHUB_URL", "GITHUB_REPOSITORY"] {
      arguments += ["--env", "\(name)=\(world.variables[name] ?? "")"]
    }
    let result = try await Launcher().run(
      ProcessSpecification(Act.program, arguments, environment: variables, directory: project.path),
      timeout: .seconds(300))
    let code: Int32 = if case .code(let code) = result.exit { code } else { -1 }
    return (code, result.text + result.errorText)
  }

  /// The commit that users get.
  func live() async throws -> String? {
    let status = try await world.project.shipit("status", "demo", "--json", variables: world.twin.variables)
    let services = try JSON(parsing: Array(status.output.utf8))["services"]?.array ?? []
    guard let address = services.first(where: { $0["service"] == "web" })?["address"]?.string else {
      return nil
    }
    return try await world.twin.ask(address + "/")["revision"]?.string
  }

  /// SIGKILL for the deploy that act runs, once the platform has a deployment of it.
  /// - Parameter withRunner: act goes first, so that no further step is run.
  func killDeploy(withRunner: Bool = false) async throws {
    while true {
      let deployments = try await world.twin.control("GET", "state")["deployments"]?.array ?? []
      if !deployments.isEmpty, let process = process("shipit\0deploy\0") {
        if withRunner {
          // It must not see its runner go: that would be a hang-up.
          kill(process, SIGSTOP)
          if let runner = self.process(Act.program + "\0") { kill(runner, SIGKILL) }
        }
        kill(process, SIGKILL)
        return
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// The process below the scratch directory whose command line begins like this.
  private func process(_ beginning: String) -> pid_t? {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { pid_t($0) }.first { process in
      let directory = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
      guard directory?.hasPrefix(world.project.scratch.path) == true,
        let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
      else { return false }
      return String(decoding: line, as: UTF8.self).hasPrefix(beginning)
    }
  }
}
