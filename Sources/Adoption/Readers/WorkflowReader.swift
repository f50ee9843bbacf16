/// Workflows of GitHub Actions.
struct WorkflowReader: FileReader {
  func reads(_ path: String) -> Bool {
    Path.folder(path) == ".github/workflows" && (path.hasSuffix(".yml") || path.hasSuffix(".yaml"))
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try Item.yaml(text, file: path)
    guard let jobs = root["jobs"]?.members else { return [] }
    let concurrency = root["concurrency"]
    var workflow = Workflow(
      file: path, name: root["name"]?.text, triggers: triggers(root["on"]),
      hasConcurrency: concurrency != nil || jobs.contains { $0.item["concurrency"] != nil },
      cancels: nil, jobs: [], secrets: [:], calls: [], publicNames: [], lines: text.lines)
    for item in [concurrency] + jobs.map({ $0.item["concurrency"] }) {
      if let cancels = item?["cancel-in-progress"], cancels.bool == true {
        workflow.cancels = Evidence(path, cancels.line)
      }
    }
    let shared = names(root["env"])
    for member in jobs {
      if let uses = member.item["uses"], let called = uses.text, called.hasPrefix("./") {
        workflow.calls.append(
          Sourced(Path.normal(String(called.prefix { $0 != "@" })), Evidence(path, uses.line)))
      }
      workflow.jobs.append(job(member, shared, path))
    }
    collect(text, &workflow)
    return [Finding(.workflow(workflow), Evidence(path))]
  }

  private func triggers(_ item: Item?) -> Workflow.Triggers {
    var triggers = Workflow.Triggers()
    let names = item?.members?.map(\.key) ?? item?.texts ?? []
    triggers.push = names.contains("push") || names.contains("release")
    triggers.pullRequest = names.contains("pull_request") || names.contains("pull_request_target")
    triggers.schedule = names.contains("schedule")
    triggers.manual = names.contains("workflow_dispatch")
    triggers.called = names.contains("workflow_call")
    triggers.after = item?.at("workflow_run", "workflows")?.texts ?? []
    return triggers
  }

  private func job(_ member: Item.Member, _ shared: Set<String>, _ path: String) -> Workflow.Job {
    let item = member.item
    var job = Workflow.Job(key: member.key, line: member.line)
    job.needs = item["needs"]?.texts ?? []
    job.condition = item["if"]?.text
    job.isTest = item["services"]?.members?.isEmpty == false
    job.isMatrix = item.at("strategy", "matrix") != nil && item.at("strategy", "max-parallel")?.int != 1
    job.names = shared.union(names(item["env"]))
    if let continues = item["continue-on-error"], continues.bool == true {
      job.continuesOnError = Evidence(path, continues.line)
    }
    let folder = item.at("defaults", "run", "working-directory")?.text
    for step in item["steps"]?.list ?? [] {
      var found = Workflow.Step(line: step.line)
      found.name = step["name"]?.text
      found.condition = step["if"]?.text
      found.folder = step["working-directory"]?.text ?? folder
      found.names = job.names.union(names(step["env"])).union(names(step["with"]))
      if let uses = step["uses"], let action = uses.text {
        found.uses = Sourced(action, Evidence(path, uses.line))
      }
      if let continues = step["continue-on-error"], continues.bool == true {
        found.continuesOnError = Evidence(path, continues.line)
      }
      if let run = step.member("run"), let script = run.item.text {
        // The lines of a block stand below its indicator.
        let first = script.contains("\n") ? run.item.line + 1 : run.item.line
        found.commands = Script.shell(script, file: path, from: first).commands
      }
      for input in step["with"]?.members ?? [] {
        if let text = input.item.text { found.inputs.append(Sourced(text, Evidence(path, input.line))) }
      }
      found.settle()
      job.steps.append(found)
    }
    return job
  }

  private func names(_ item: Item?) -> Set<String> { Set((item?.members ?? []).map(\.key)) }

  /// Secrets, and names that a build takes in.
  private func collect(_ text: String, _ workflow: inout Workflow) {
    for (index, line) in text.lines.enumerated() where !line.trimmed.hasPrefix("#") {
      let evidence = Evidence(workflow.file, index + 1)
      guard line.contains("secrets.") || line.contains("_") else { continue }
      for match in line.matches(of: #/secrets\.([A-Za-z_][A-Za-z0-9_]*)/#) {
        let name = String(match.1)
        if workflow.secrets[name] == nil { workflow.secrets[name] = evidence }
      }
      if let match = line.firstMatch(of: #/^\s*([A-Z][A-Z0-9_]*):\s/#) {
        let name = String(match.1)
        if VariableName.isPublic(name), !workflow.publicNames.contains(where: { $0.name == name }) {
          workflow.publicNames.append(Variable(name, .unknown, evidence))
        }
      }
    }
  }
}
