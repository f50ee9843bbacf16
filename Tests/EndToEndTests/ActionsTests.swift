import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// shipit as a step of a job of GitHub Actions.
@Suite(.timeLimit(.minutes(5))) struct `In GitHub Actions` {
  @Test func `a deploy, a second one, a failing one and a rollback leave pages, outputs and deployments`()
    async throws
  {
    try await ActionsWorld.with { world in
      let first = try await world.project.git("rev-parse", "HEAD")
      let released = try await world.step("deploy", "demo", "--yes")
      #expect(released.result.code == 0, "\(released.result.text)")
      #expect(released.summary.hasPrefix("### ✅ demo: release 1 is live: "))
      for words in [
        "| api | `\(first.prefix(7))` | proven: served |", "<summary>plan</summary>",
        "**next** `shipit status demo`",
      ] {
        #expect(released.summary.contains(words), "\(words): \(released.summary)")
      }
      #expect(released.outputs["result"] == "released")
      #expect(released.outputs["release"] == "1")
      #expect(released.outputs["commit"] == first)
      let urls = try JSON(parsing: Array((released.outputs["urls"] ?? "").utf8))
      #expect(urls["web"]?.string == released.outputs["url"])
      #expect(try await world.twin.ask((released.outputs["url"] ?? "") + "/")["revision"]?.string == first)
      #expect(released.result.text.contains("SHIPIT_GITHUB_URL="), "an endpoint that is elsewhere is shown")

      let again = try await world.step("deploy", "demo", "--yes")
      #expect(again.outputs["result"] == "nothing-to-do" && again.outputs["release"] == "1")
      #expect(again.summary.contains("nothing to do, release 1 is live"))

      try world.project.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      let second = try await world.project.commit("never healthy")
      let failed = try await world.step("deploy", "demo", "--yes")
      #expect(failed.result.code == 7, "\(failed.result.text)")
      #expect(failed.outputs["result"] == "rolled-back" && failed.outputs["exit"] == "7")
      #expect(failed.outputs["commit"] == first)
      #expect(failed.summary.hasPrefix("### ❌ demo: release 2 failed"))
      #expect(failed.summary.contains("**runbook** `shipit runbook deploy-failed`"))
      #expect(failed.commands.contains { $0.hasPrefix("::error title=demo") }, "\(failed.commands)")

      let back = try await world.step("deploy", "demo", "--yes", "--commit", first)
      #expect(back.outputs["result"] == "nothing-to-do")

      let made = try await world.deployments()
      #expect(made.map { $0["sha"]?.string } == [second, first])
      #expect(made.map { $0["states"]?.array?.last?.string } == ["failure", "success"])
      #expect(made.last?["log"] == "https://github.com/demo/app/actions/runs/4711/attempts/1")
      #expect(made.last?["url"]?.string == released.outputs["url"])
    }
  }

  @Test func `masks come before anything else, and nothing but them betrays a secret`() async throws {
    try await ActionsWorld.with { world in
      let lines = "first-line-of-it\n  second line, 100%\nxyz"
      let step = try await world.step("plan", "demo", variables: ["DEMO_API_KEY": lines])
      #expect(step.result.code == 0, "\(step.result.text)")
      #expect(step.summary.hasPrefix("### demo: plan\n"))
      let told = step.result.errorOutput.split(separator: "\n").map(String.init)
      let masks = told.filter { $0.hasPrefix("::add-mask::") }
      #expect(Array(told.prefix(masks.count)) == masks, "the masks come first: \(told.prefix(8))")
      for value in [
        "first-line-of-it%0A  second line, 100%25%0Axyz", "first-line-of-it", "second line, 100%25",
        ActionsWorld.token, "demo-token",
      ] {
        #expect(masks.contains("::add-mask::" + value), "\(value)")
      }
      #expect(Set(masks).count == masks.count)
      let rest = (told.dropFirst(masks.count) + [step.result.output, step.summary]).joined(separator: "\n")
      for secret in ["first-line-of-it", "second line, 100", ActionsWorld.token, "demo-token"] {
        #expect(!rest.contains(secret), "\(secret) in \(rest)")
      }
      // To whom it is not said: a file, and a place that is not Actions.
      let file = world.project.scratch.path + "/log"
      let shell = try await Launcher().run(
        ProcessSpecification(
          "sh", ["-c", "exec \"$0\" plan demo 2>\"$1\"", Checkout.binary, file],
          environment: world.project.variables.merging(world.variables) { $1 }, directory: world.project.path)
      )
      #expect(shell.exit.isSuccess, "\(shell.errorText)")
      #expect(try !world.project.scratch.read("log").contains("add-mask"))
      let elsewhere = try await world.project.shipit("plan", "demo", variables: world.twin.variables)
      #expect(!elsewhere.text.contains("::"))
    }
  }

  @Test func `no line of a child can be a command`() async throws {
    try await ActionsWorld.with { world in
      try world.project.change(
        "environments/demo.yaml", "run: [python3, -m, py_compile, app/server.py]",
        "run: [python3, app/loud.py]")
      try world.project.write(
        #"""
        import sys
        for text in ["::error::smuggled", "  ::add-mask::smuggled", "x ##[error]smuggled", "a\r::warning::smuggled",
                     "::stop-commands::smuggled", "::set-env name=A::smuggled"]:
            print(text, flush=True)
            print(text, file=sys.stderr, flush=True)
        sys.exit(3)
        """#, to: "app/loud.py")
      try await world.project.commit("::error::smuggled subject")
      let step = try await world.step("deploy", "demo", "--yes")
      #expect(step.result.code != 0)
      let allowed = ["::add-mask::", "::group::", "::endgroup::", "::error title=demo"]
      for command in step.commands {
        #expect(allowed.contains { command.hasPrefix($0) }, "\(command)")
        #expect(!command.hasPrefix("::add-mask::smuggled"))
      }
      #expect(step.result.errorOutput.contains("\\::error::smuggled"))
      #expect(step.result.errorOutput.contains("##\\[error]smuggled"))
      for arguments in [
        ["why", "demo"], ["why", "demo", "--json"], ["history", "demo"], ["plan", "demo"],
        ["status", "demo"],
      ] {
        let result = try await world.project.shipit(arguments, variables: world.variables)
        let bad = result.text.split(whereSeparator: \.isNewline).filter {
          ($0.drop { $0.isWhitespace }.hasPrefix("::") && !$0.hasPrefix("::add-mask::")) || $0.contains("##[")
        }
        #expect(bad == [], "\(arguments)")
      }
    }
  }

  @Test func `mistakes of an environment file are annotated where they stand`() async throws {
    let project = try await GitProject()
    try project.change("environments/demo.yaml", "source: {directory: ./app}", "sauce: {directory: ./app}")
    let result = try await project.shipit("validate", "demo", variables: ["GITHUB_ACTIONS": "true"])
    #expect(result.code == 2)
    #expect(
      result.errorOutput.contains(
        #/\n?::error file=environments/demo\.yaml,line=18,col=5,title=unknown-key::/#),
      "\(result.errorOutput)")
    // GitHub names files from the repository's top.
    let below = try await project.shipit(
      "validate", "demo",
      variables: ["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": project.scratch.path])
    #expect(
      below.errorOutput.contains("::error file=project/environments/demo.yaml,line=18,"), "\(below.text)")
  }

  @Test func `what is refused before it began says so on the page`() async throws {
    try await ActionsWorld.with { world in
      let step = try await world.step("deploy", "demo", "--yes", variables: ["DEMO_API_KEY": ""])
      #expect(step.result.code == 2)
      #expect(step.outputs["result"] == "refused" && step.outputs["exit"] == "2")
      #expect(step.summary.hasPrefix("### ❌ ") && step.summary.contains("DEMO\\_API\\_KEY"))
      #expect(try await world.deployments() == [])
    }
  }

  @Test func `a deploy that waits for approval shows its plan, and the job that is run again deploys it`()
    async throws
  {
    try await ActionsWorld.with { world in
      try world.project.change(
        "environments/demo.yaml", "protect:\n", "protect:\n  approval: {by: [bo], own: false}\n")
      let commit = try await world.project.commit("approval")
      let waiting = try await world.step("deploy", "demo", "--yes")
      #expect(waiting.result.code == 9, "\(waiting.result.text)")
      #expect(waiting.outputs["result"] == "waiting" && waiting.outputs["exit"] == "9")
      #expect(waiting.summary.hasPrefix("### ⏸️ \(commit.prefix(7)) needs an approval before it goes to demo"))
      for words in ["<summary>plan</summary>", "+ api  railway", "**then** `gh run rerun 4711 --failed`"] {
        #expect(waiting.summary.contains(words), "\(words): \(waiting.summary)")
      }
      #expect(waiting.commands.contains { $0.hasPrefix("::warning title=shipit") }, "\(waiting.commands)")
      #expect(!waiting.commands.contains { $0.hasPrefix("::error") }, "\(waiting.commands)")
      let command = try #require(
        waiting.summary.firstMatch(of: #/shipit (approve demo --digest [0-9a-f]{12})/#))
      // The step after it, which runs always.
      let finish = try await world.step("finish", "demo", "--within=4m")
      #expect(finish.result.code == 0 && finish.summary == "", "\(finish.result.text) \(finish.summary)")
      // Whoever started the job is not bo; bo has a laptop.
      var bo = world.project
      bo.variables["USER"] = "bo"
      let approval = try await bo.shipit(command.1.split(separator: " ").map(String.init) + ["--yes"])
      #expect(approval.code == 0, "\(approval.text)")
      let again = try await world.step(
        "deploy", "demo", "--yes", variables: ["GITHUB_RUN_ATTEMPT": "2", "GITHUB_TRIGGERING_ACTOR": "cy"])
      #expect(again.result.code == 0, "\(again.result.text)")
      #expect(again.outputs["result"] == "released" && again.outputs["commit"] == commit)
      #expect(again.summary.contains("release 1 is live"), "\(again.summary)")
    }
  }

  @Test func `a freeze ends the job with its rule on the page, and nothing is told to GitHub`() async throws {
    try await ActionsWorld.with { world in
      try world.project.change(
        "environments/demo.yaml", "protect:\n",
        "protect:\n  freeze: [{from: 2020-01-01, to: 2099-12-31, reason: the long winter}]\n")
      try await world.project.commit("frozen")
      let step = try await world.step("deploy", "demo", "--yes")
      #expect(step.result.code == 12, "\(step.result.text)")
      #expect(step.outputs["result"] == "refused" && step.outputs["exit"] == "12")
      for words in ["### ❌ ", "the long winter", "--override-freeze", "exit 12: "] {
        #expect(step.summary.contains(words), "\(words): \(step.summary)")
      }
      #expect(step.commands.contains { $0.hasPrefix("::error title=shipit::") }, "\(step.commands)")
      #expect(try await world.deployments() == [])
    }
  }

  @Test(arguments: ["hang", "status"]) func `a GitHub that does not work changes nothing`(_ fault: String)
    async throws
  {
    try await ActionsWorld.with { world in
      try await world.twin.control("POST", "github/faults", ["fault": .string(fault), "count": "always"])
      let step = try await world.step("deploy", "demo", "--yes")
      #expect(step.result.code == 0, "\(step.result.text)")
      #expect(step.outputs["result"] == "released")
      #expect(step.commands.filter { $0.hasPrefix("::warning title=deployments on GitHub") }.count <= 1)
      if fault == "status" {
        #expect(step.commands.contains { $0.hasPrefix("::warning title=deployments on GitHub") })
      }
    }
  }

  @Test func `JSON stays JSON, and the page is written all the same`() async throws {
    try await ActionsWorld.with { world in
      let step = try await world.step("deploy", "demo", "--yes", "--json")
      #expect(step.result.code == 0)
      for line in step.result.output.split(separator: "\n") {
        #expect(throws: Never.self) { try JSON(parsing: Array(line.utf8)) }
      }
      #expect(step.outputs["result"] == "released" && step.summary.contains("release 1 is live"))
    }
  }
}
