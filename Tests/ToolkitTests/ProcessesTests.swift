import Concurrency
import Foundation
import Processes
import Testing

#if canImport(Glibc)
  import Glibc
#endif

private let searchPath = ["PATH": "/usr/bin:/bin"]

private func shell(_ script: String, input: [UInt8] = [], stop: StopLadder = .polite) -> ProcessSpecification
{
  ProcessSpecification("/bin/sh", ["-c", script], environment: searchPath, input: input, stop: stop)
}

/// Whether a process with that id still runs; a zombie does not.
private func runs(_ process: Int32) -> Bool {
  guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
    let state = status.split(separator: ")").last?.split(separator: " ").first
  else { return false }
  return state != "Z" && state != "X"
}

private func eventually(_ condition: () -> Bool) async throws -> Bool {
  for _ in 0..<400 {
    if condition() { return true }
    try await Task.sleep(for: .milliseconds(5))
  }
  return false
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ProcessesTests {
  let launcher = Launcher()

  // MARK: Output

  @Test func bothStreamsAndTheExitCodeArrive() async throws {
    let result = try await launcher.run(shell("echo out; echo err >&2; exit 3"))
    #expect(result.exit == .code(3))
    #expect(result.text == "out\n")
    #expect(result.errorText == "err\n")
    #expect(!result.timedOut && !result.truncated)
  }

  @Test func tenMegabytesOnBothStreamsSurviveAnImmediateExit() async throws {
    let script = "head -c 10000000 /dev/zero & head -c 10000000 /dev/zero >&2; wait"
    let result = try await launcher.run(shell(script))
    #expect(result.output.count == 10_000_000)
    #expect(result.errorOutput.count == 10_000_000)
  }

  @Test func linesArriveInOrderWithTheUnfinishedLast() async throws {
    let lines = Locked<[ProcessLine]>([])
    _ = try await launcher.run(shell(#"printf 'one\r\n\ntwo\nrest'; printf 'E' >&2"#)) { line in
      lines.withLock { $0.append(line) }
    }
    let seen = lines.withLock { $0 }
    #expect(seen.filter { $0.stream == .output }.map(\.text) == ["one", "", "two", "rest"])
    #expect(seen.filter { $0.stream == .error }.map(\.text) == ["E"])
  }

  @Test func anEndlessLineComesInPiecesThatDoNotSplitCharacters() async throws {
    let lines = Locked<[String]>([])
    let input = Array((String(repeating: "€", count: 50_000) + "\nnext\n").utf8)
    let result = try await launcher.run(
      ProcessSpecification("/bin/cat", environment: [:], input: input)
    ) { line in lines.withLock { $0.append(line.text) } }
    let seen = lines.withLock { $0 }
    #expect(result.output == input)
    #expect(seen.last == "next")
    #expect(seen.dropLast().allSatisfy { $0.utf8.count <= 64 << 10 && !$0.contains("\u{FFFD}") })
    #expect(seen.dropLast().joined() == String(repeating: "€", count: 50_000))
    #expect(seen.count == 4)
  }

  @Test func outputBeyondTheLimitIsDroppedAndSaidSo() async throws {
    var specification = shell("head -c 300000 /dev/zero")
    specification.outputLimit = 1000
    let result = try await launcher.run(specification)
    #expect(result.output.count == 1000)
    #expect(result.truncated)
  }

  @Test func aGrandchildOutsideTheGroupDelaysTheEndByHalfASecondOnly() async throws {
    let start = ContinuousClock.now
    let result = try await launcher.run(
      shell("exec 3>&1; echo $(setsid sh -c 'sleep 20 >&3 2>&3 & echo $!')"))
    let took = ContinuousClock.now - start
    #expect(took >= .milliseconds(490) && took < .seconds(10))
    let grandchild = try #require(Int32(result.text.trimmingCharacters(in: .whitespacesAndNewlines)))
    kill(grandchild, SIGKILL)
  }

  // MARK: Input

  @Test func aMegabyteOfInputComesBack() async throws {
    let input = [UInt8](repeating: 7, count: 1_000_000)
    let result = try await launcher.run(ProcessSpecification("cat", environment: searchPath, input: input))
    #expect(result.output == input)
  }

  @Test func aChildThatIgnoresItsInputIsNoError() async throws {
    let input = [UInt8](repeating: 1, count: 1_000_000)
    let result = try await launcher.run(shell("exec 0<&-; sleep 0.05; exit 0", input: input))
    #expect(result.exit == .code(0))
  }

  @Test func withoutInputTheChildReadsEndOfFile() async throws {
    let result = try await launcher.run(ProcessSpecification("/bin/cat", environment: [:]))
    #expect(result.exit == .code(0))
    #expect(result.output.isEmpty)
  }

  // MARK: What the child inherits

  @Test func theEnvironmentIsExactlyWhatWasGiven() async throws {
    let result = try await launcher.run(
      ProcessSpecification("/usr/bin/env", environment: ["B": "two = 2", "A": "", "C": "ä\nb"]))
    #expect(result.text == "A=\nB=two = 2\nC=ä\nb\n")
  }

  @Test func noDescriptorNorIgnoredSignalIsInherited() async throws {
    let open = dup(1)
    defer { close(open) }
    let result = try await launcher.run(
      ProcessSpecification(
        "/bin/sh", ["-c", "ls /proc/self/fd; grep -E 'SigIgn|SigBlk' /proc/self/status | cut -f2"],
        environment: searchPath))
    // 3 is the directory that ls itself reads; glibc reserves signals 32 and 33.
    let lines = result.text.split(separator: "\n").map(String.init)
    #expect(lines.prefix(5) == ["0", "1", "2", "3", "0000000000000000"])
    let ignored = try #require(UInt64(lines.last ?? "", radix: 16))
    #expect(ignored & ~0x1_8000_0000 == 0)
  }

  @Test func itStartsInTheGivenDirectory() async throws {
    var specification = shell("pwd")
    specification.directory = "/usr"
    #expect(try await launcher.run(specification).text == "/usr\n")
  }

  // MARK: Failures to start

  private func code(_ specification: ProcessSpecification) async -> ProcessError.Code? {
    do {
      _ = try await launcher.run(specification)
      return nil
    } catch {
      return (error as? ProcessError)?.code
    }
  }

  @Test func missingProgramMissingPermissionAndBadDirectoryAreToldApart() async throws {
    #expect(await code(.init("no-such-program-here", environment: searchPath)) == .notFound)
    #expect(await code(.init("/no/such/program", environment: [:])) == .notFound)
    #expect(await code(.init("/etc/passwd", environment: [:])) == .notPermitted)
    #expect(await code(.init("/etc", environment: [:])) == .notPermitted)
    #expect(await code(.init("true", environment: searchPath, directory: "/no/such/place")) == .badDirectory)
    #expect(await code(.init("true", environment: searchPath, directory: "/etc/passwd")) == .badDirectory)
  }

  @Test func aScriptWithoutItsInterpreterIsNotFound() async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("script-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "#!/no/such/interpreter\n".write(toFile: path, atomically: true, encoding: .utf8)
    chmod(path, 0o755)
    let error = await #expect(throws: ProcessError.self) {
      try await launcher.run(.init(path, environment: [:]))
    }
    #expect(error?.code == .notFound)
    #expect(error?.description.contains("interpreter") == true)
  }

  @Test func anImpossibleVariableIsRefusedWithoutShowingItsValue() async throws {
    let error = await #expect(throws: ProcessError.self) {
      try await launcher.run(.init("/bin/true", environment: ["KEY": "se\0cret"]))
    }
    #expect(error?.description.contains("KEY") == true)
    #expect(error?.description.contains("cret") == false)
  }

  // MARK: Stopping

  @Test func theDeadlineStopsTheChild() async throws {
    let start = ContinuousClock.now
    let result = try await launcher.run(shell("echo started; sleep 30"), timeout: .milliseconds(100))
    #expect(result.timedOut)
    #expect(result.exit == .signal(15))
    #expect(result.text == "started\n")
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func aChildDeafToTheFirstSignalIsKilled() async throws {
    let ladder = StopLadder([.init(signal: 15, wait: .milliseconds(50))])
    let result = try await launcher.run(
      shell("trap '' TERM; while :; do sleep 0.01; done", stop: ladder), timeout: .milliseconds(200))
    #expect(result.timedOut)
    #expect(result.exit == .signal(9))
  }

  @Test func cancellationStopsTheChildAndThrows() async throws {
    let process = Locked<Int32>(0)
    let task = Task { [launcher] in
      try await launcher.run(shell("echo $$; exec sleep 30")) { line in
        process.withLock { $0 = Int32(line.text) ?? 0 }
      }
    }
    #expect(try await eventually { process.withLock { $0 } != 0 })
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(!runs(process.withLock { $0 }))
  }

  @Test func aCancelledTaskStartsNothing() async throws {
    let task = Task { [launcher] in
      while !Task.isCancelled { await Task.yield() }
      return try await launcher.run(shell("exit 0"))
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func grandchildrenEndWithTheirLeader() async throws {
    let result = try await launcher.run(shell("sleep 30 & sleep 30 & echo $!"))
    let grandchild = try #require(Int32(result.text.trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(try await eventually { !runs(grandchild) })
  }

  // MARK: Children that live on

  @Test func aServiceIsSignalledAndStopped() async throws {
    let lines = Locked<[String]>([])
    let script =
      "trap 'echo usr' USR1; trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"
    let service = try launcher.start(shell(script)) { line in
      if line.stream == .output { lines.withLock { $0.append(line.text) } }
    }
    #expect(try await eventually { lines.withLock { $0 } == ["ready"] })
    service.signal(SIGUSR1)
    #expect(try await eventually { lines.withLock { $0 } == ["ready", "usr"] })
    async let other = service.wait()
    #expect(await service.stop(.polite) == .code(7))
    #expect(await other == .code(7))
    #expect(lines.withLock { $0 } == ["ready", "usr", "bye"])
    service.signal(SIGKILL)
    #expect(await service.stop(.polite) == .code(7))
  }

  @Test func aSecondStopCanHurryTheFirst() async throws {
    let lines = Locked<[String]>([])
    let service = try launcher.start(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done")) {
      line in
      lines.withLock { $0.append(line.text) }
    }
    #expect(try await eventually { lines.withLock { $0 } == ["ready"] })
    let start = ContinuousClock.now
    async let slow = service.stop(StopLadder([.init(signal: 15, wait: .seconds(60))]))
    async let fast = service.stop(StopLadder([]))
    #expect(await slow == .signal(9))
    #expect(await fast == .signal(9))
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  // MARK: Many

  @Test func twoHundredChildrenRunAtOnce() async throws {
    let outputs = try await withThrowingTaskGroup(of: String.self) { group in
      for index in 0..<200 {
        group.addTask { [launcher] in
          let script = "read line; echo $line"
          return try await launcher.run(shell(script, input: Array("\(index)\n".utf8))).text
        }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(outputs == Set((0..<200).map { "\($0)\n" }))
  }

  @Test func threeHundredChildrenLeaveNoDescriptorBehind() async throws {
    func descriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
    let before = try descriptors()
    for _ in 0..<300 {
      _ = try await launcher.run(.init("/bin/true", environment: [:], input: [1]))
      _ = try? await launcher.run(.init("/no/such/program", environment: [:]))
    }
    // Other suites open and close descriptors of their own meanwhile.
    #expect(try descriptors() < before + 150)
  }
}
