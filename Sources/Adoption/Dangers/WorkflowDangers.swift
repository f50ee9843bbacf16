/// What can hurt in one workflow.
enum WorkflowDangers {
  static func find(_ workflow: Workflow) -> [Danger] {
    var found: [Danger] = []
    let isDeploying = !workflow.deploys.isEmpty
    let isMigrating = !workflow.migrations.isEmpty
    let isDetached = Self.isDetached(workflow)
    for job in workflow.jobs {
      for step in job.steps {
        if !job.isTest, isDeploying || workflow.triggers.called || !workflow.triggers.after.isEmpty {
          found += HealthDangers.find(step, isDetached: isDetached)
        }
        found += TokenDangers.find(step)
        for command in step.commands {
          if let unknown = Shell.unknown(command.value) {
            found.append(Danger(.unknownCommand, command.evidence, unknown.message))
          }
          if !job.isTest, Shell.pushesSchema(command.value) {
            found.append(
              Danger(
                .schemaPush, command.evidence,
                "a schema is pushed without migrations that somebody could read: columns may be dropped, and nothing leads back"
              ))
          }
          if command.value.contains(#/\b(cp|mv)\s+\S+\s+\S*railway\.(toml|json)\b/#) {
            found.append(
              Danger(
                .swappedConfig, command.evidence,
                "the configuration is swapped in the working tree, because the command line cannot choose one"
              ))
          }
        }
        found += swallowed(step, job)
        found += detached(step)
        found += moving(step, isDeploying: isDeploying)
      }
      if let place = job.continuesOnError, !job.deploys.isEmpty || !job.migrations.isEmpty {
        found.append(
          Danger(
            .swallowedFailure, place, "the job `\(job.key)` may fail, and the workflow is green all the same")
        )
      }
    }
    if isDeploying {
      found += ofDeploys(workflow)
    } else if isMigrating, let place = workflow.migrations.first {
      found.append(
        Danger(
          .noOrder, place.evidence,
          "the schema changes here and the code is deployed elsewhere: nothing orders one before the other"))
      if !workflow.hasConcurrency { found.append(noConcurrency(workflow)) }
    }
    found += identifiers(workflow)
    found += shallow(workflow)
    return found
  }

  private static func isDetached(_ workflow: Workflow) -> Bool {
    workflow.jobs.flatMap(\.steps).flatMap(\.commands).contains {
      $0.value.contains("-d") && Shell.host($0.value) == .railway
        && $0.value.contains(#/\s(--detach|-d)\b/#)
    }
  }

  /// What is wrong with a workflow that deploys, as a whole.
  private static func ofDeploys(_ workflow: Workflow) -> [Danger] {
    var found: [Danger] = []
    let jobs = workflow.jobs.filter { !$0.deploys.isEmpty }
    guard let first = jobs.first, let place = first.deploys.first?.evidence else { return [] }
    let steps = workflow.jobs.flatMap(\.steps)
    let looks = steps.contains { step in
      ([step.name ?? ""] + step.commands.map(\.value)).contains { text in
        text.lowercased().containsAny("health", "smoke", "rollout status", "/ready", "/status")
      }
    }
    let needsLook = isDetached(workflow) || workflow.deploys.contains { $0.value == .kubernetes }
    if needsLook, !looks {
      found.append(
        Danger(.noHealth, place, "nothing asks afterwards whether what was deployed answers"))
    }
    if workflow.triggers.pullRequest { found += ofPullRequests(jobs) }
    if let cancels = workflow.cancels {
      found.append(
        Danger(
          .cancelledDeploy, cancels,
          "a newer run cancels a deploy in the middle, and nobody looks at what it left"))
    }
    found += order(workflow, jobs)
    if !workflow.hasConcurrency, !workflow.triggers.called { found.append(noConcurrency(workflow)) }
    if workflow.deploys.contains(where: { $0.value.isCarried }),
      !workflow.lines.contains(where: { $0.lowercased().contains("rollback") && !$0.trimmed.hasPrefix("#") })
    {
      found.append(
        Danger(.noRollback, place, "when it fails, nothing puts the version before back"))
    }
    return found
  }

  private static func noConcurrency(_ workflow: Workflow) -> Danger {
    Danger(
      .noConcurrency, Evidence(workflow.file),
      "two pushes run it at the same time, and the older one may win: it has no `concurrency` group")
  }

  private static func ofPullRequests(_ jobs: [Workflow.Job]) -> [Danger] {
    jobs.compactMap { job in
      let step = job.steps.first { step in
        let isGuarded = [job.condition, step.condition].contains { text in
          text?.containsAny("event_name", "github.ref", "refs/heads", "base_ref", "pull_request") ?? false
        }
        let isProduction = step.commands.contains { command in
          Shell.host(command.value) == .vercel
            ? command.value.contains("--prod") : Shell.host(command.value) != nil
        }
        return isProduction && !isGuarded
      }
      return step?.deploys.first.map {
        Danger(
          .pullRequestDeploys, $0.evidence,
          "it runs on pull requests too: each of them goes to production before anybody has merged it")
      }
    }
  }

  /// Jobs that put things live beside each other, in no order.
  private static func order(_ workflow: Workflow, _ jobs: [Workflow.Job]) -> [Danger] {
    var found: [Danger] = []
    if let matrix = jobs.first(where: { $0.isMatrix }) {
      found.append(
        Danger(
          .noOrder, Evidence(workflow.file, matrix.line),
          "the job `\(matrix.key)` deploys all services at the same time: what calls another may be live before it"
        ))
    } else {
      let keys = Set(jobs.map(\.key))
      let free = jobs.filter { keys.isDisjoint(with: reach($0, workflow)) }
      if free.count > 1 {
        let names =
          free.prefix(3).map { "`\($0.key)`" }.joined(separator: ", ") + (free.count > 3 ? " …" : "")
        found.append(
          Danger(
            .noOrder, Evidence(workflow.file, free[1].line),
            "the jobs \(names) deploy at the same time: what calls another may be live before it"))
      }
    }
    let migrating = Set(workflow.jobs.filter { !$0.migrations.isEmpty }.map(\.key))
    if !migrating.isEmpty {
      for job in jobs where !migrating.contains(job.key) && migrating.isDisjoint(with: reach(job, workflow)) {
        found.append(
          Danger(
            .noOrder, Evidence(workflow.file, job.line),
            "the job `\(job.key)` deploys without waiting for the migrations of `\(migrating.sorted()[0])`"))
      }
    }
    return found
  }

  /// Every job that one waits for.
  private static func reach(_ job: Workflow.Job, _ workflow: Workflow) -> Set<String> {
    var reached: Set<String> = []
    var open = job.needs
    while let key = open.popLast() {
      guard reached.insert(key).inserted else { continue }
      open += workflow.jobs.first { $0.key == key }?.needs ?? []
    }
    return reached
  }

  private static func swallowed(_ step: Workflow.Step, _ job: Workflow.Job) -> [Danger] {
    let acts = !step.deploys.isEmpty || (!job.isTest && !step.migrations.isEmpty)
    guard acts else { return [] }
    if let place = step.continuesOnError {
      let what = step.deploys.isEmpty ? "migrates" : "deploys"
      return [
        Danger(
          .swallowedFailure, place, "the step that \(what) may fail, and the job goes on as if it had worked")
      ]
    }
    return step.commands.compactMap { command in
      guard Shell.host(command.value) != nil || Shell.migration(command.value) != nil,
        let end = Shell.swallowed(command.value)
      else { return nil }
      return Danger(
        .swallowedFailure, command.evidence, "`\(end)` takes whatever fails before it for success")
    }
  }

  private static func detached(_ step: Workflow.Step) -> [Danger] {
    step.commands.compactMap { command in
      guard Shell.host(command.value) == .railway, command.value.contains(#/\s(--detach|-d)\b/#) else {
        return nil
      }
      return Danger(
        .detachedUpload, command.evidence,
        "`--detach` ends with 0 once the files are uploaded: the job is green before anything is built")
    }
  }

  /// Actions and images that are something else tomorrow.
  private static func moving(_ step: Workflow.Step, isDeploying: Bool) -> [Danger] {
    var found: [Danger] = []
    if let uses = step.uses, isDeploying,
      uses.value.hasSuffix("@main") || uses.value.hasSuffix("@master"), !uses.value.hasPrefix("./")
    {
      found.append(
        Danger(
          .movingAction, uses.evidence,
          "`\(uses.value)` is whatever its owner pushed last, and it is handed a token"))
    }
    let pushes = step.uses?.value.contains("build-push-action") == true
    for text in (pushes ? step.inputs : []) + step.commands.filter({ $0.value.contains("docker push") }) {
      guard text.value.contains(#/:latest\b/#) || text.value.contains("value=latest") else { continue }
      found.append(
        Danger(
          .movingTag, text.evidence,
          "the image is tagged `latest`: there is nothing to go back to, and nobody can tell what runs"))
      break
    }
    if step.uses?.value.contains("metadata-action") == true,
      let text = step.inputs.first(where: { $0.value.contains("latest") })
    {
      found.append(
        Danger(.movingTag, text.evidence, "the image is tagged `latest`: nobody can tell what runs"))
    }
    return found
  }

  /// Ids of teams and projects that are written out.
  private static func identifiers(_ workflow: Workflow) -> [Danger] {
    for (index, line) in workflow.lines.enumerated() where !line.trimmed.hasPrefix("#") {
      guard line.contains(#/\b(team|prj)_[A-Za-z0-9]{6,}/#) else { continue }
      return [
        Danger(
          .writtenIdentifier, Evidence(workflow.file, index + 1),
          "an id of a team or project is written out: platforms.vercel.team is its place")
      ]
    }
    return []
  }

  /// A look at one commit alone, to see what a push changed.
  private static func shallow(_ workflow: Workflow) -> [Danger] {
    guard
      let index = workflow.lines.firstIndex(where: { $0.contains(#/fetch-depth:\s*2\b/#) }),
      workflow.lines.contains(where: {
        $0.containsAny("HEAD~1", "HEAD^", "git diff", "paths-filter", "changed-files")
      })
    else { return [] }
    return [
      Danger(
        .shallowHistory, Evidence(workflow.file, index + 1),
        "what changed is looked up in the last commit alone: a push of several commits skips services")
    ]
  }
}
