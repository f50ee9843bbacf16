import TestSupport
import Testing

/// What `shipit logs` gives of each platform.
@Suite(.timeLimit(.minutes(5))) struct LogsTests {
  @Test func encoreStreamsItsLogAndHasNoneOfBuilds() async throws {
    let project = try await GitProject.threePlatforms()
    let twin = try await TwinProcess.start(for: project, seed: project.seed)
    do {
      let deployed = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(deployed.code == 0, "\(deployed.text)")
      let logs = try await project.shipit("logs", "demo", "jobs", "--lines", "1", variables: twin.variables)
      #expect(logs.code == 0, "\(logs.text)")
      #expect(logs.output.contains("jobs run every"), "\(logs.text)")
      let build = try await project.shipit("logs", "demo", "jobs", "--build", variables: twin.variables)
      #expect(build.code == 2, "\(build.text)")
      #expect(build.text.contains("https://app.encore.dev/"))
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}
