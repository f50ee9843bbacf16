import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Builds and pre-deploy commands: programs that end.
extension ProcessRuntime {
  /// Copies the source to the image's place and runs the build command there.
  func build(_ job: Job) async {
    let id = job.deployment
    do {
      try await directory.copySource(of: job)
      if let command = job.settings.buildCommand, !command.isEmpty {
        emit(.buildOutput("$ \(command)", isError: false), of: id)
        let exit = try await run(command, job, variables: environment(of: job)) { line in
          self.emit(.buildOutput(line.text, isError: line.stream == .error), of: id)
        }
        guard exit.isSuccess else { return emit(.built("Build command ended with \(exit.number)"), of: id) }
      }
      emit(.built(nil), of: id)
    } catch is CancellationError {
      // Whoever cancelled does not want the answer.
    } catch {
      emit(.buildOutput(String(describing: error), isError: true), of: id)
      emit(.built("Build failed"), of: id)
    }
  }

  /// Runs the pre-deploy commands one after the other. They see variables, but no volume.
  func preDeploy(_ job: Job) async {
    let id = job.deployment
    do {
      for command in job.settings.preDeployCommand {
        emit(.output("$ \(command)", isError: false), of: id)
        let exit = try await run(command, job, variables: environment(of: job)) { line in
          self.emit(.output(line.text, isError: line.stream == .error), of: id)
        }
        guard exit.isSuccess else {
          return emit(.preDeployed("Pre-deploy command ended with \(exit.number)"), of: id)
        }
      }
      emit(.preDeployed(nil), of: id)
    } catch is CancellationError {
      // Whoever cancelled does not want the answer.
    } catch {
      emit(.output(String(describing: error), isError: true), of: id)
      emit(.preDeployed("Pre-deploy command failed"), of: id)
    }
  }

  /// The variables of a deployment, and what a container image would bring.
  func environment(of job: Job) -> [String: String] {
    var variables = ["LANG": "C.UTF-8", "HOME": directory.workplace(of: job)]
    variables["PATH"] = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    variables.merge(job.variables) { _, own in own }
    return variables
  }

  private func run(
    _ command: String, _ job: Job, variables: [String: String],
    onLine: @escaping @Sendable (ProcessLine) -> Void
  ) async throws -> ProcessExit {
    try await Launcher().run(
      ProcessSpecification(
        "/bin/sh", ["-c", command], environment: variables, directory: directory.workplace(of: job),
        stop: StopLadder([])), onLine: onLine
    ).exit
  }
}
