import Concurrency
import Foundation
import Processes
import TestSupport
import Testing

/// Awkward secrets go through every command and through failures, and everything that leaves the process is searched
/// for each of them, in each form: what is printed, files, journal and ledger, arguments of every process, and the
/// environment of children that have no need of them.
///
/// A sample in `make test`; 200 secrets through all commands with `SHIPIT_LONG=1`.
@Suite(.timeLimit(.minutes(10))) struct LeakHuntTests {
  @Test func noSecretLeavesTheProcessButToItsTarget() async throws {
    let hunt = try await LeakHunt(count: Checkout.isLong ? 200 : 40)
    try await hunt.run(all: Checkout.isLong)
    let found = try hunt.search()
    for leak in found.leaks.prefix(10) { Issue.record("\(leak)") }
    #expect(found.leaks.count == 0)
    #expect(found.texts > 15 && hunt.sampler.processes > 5, "\(found.texts) \(hunt.sampler.processes)")
    // The hunt itself works: what the application printed has come through, with the values taken out.
    #expect(found.masked > 0)
  }

  /// What is searched for would be found.
  @Test func theHuntFindsEachForm() {
    let secret = AwkwardSecrets.value(7)
    for form in AwkwardSecrets.forms(of: secret) {
      #expect(LeakHunt.contains(Data("before \(form) after".utf8), form))
    }
    #expect(!LeakHunt.contains(Data("before after".utf8), secret))
    #expect(Set((0..<200).map(AwkwardSecrets.value)).count == 200)
  }
}

/// Values that break what handles them carelessly.
enum AwkwardSecrets {
  static func value(_ index: Int) -> String {
    // Unlike anything else that is printed.
    let core = "Zq\(String(index * 7919 + 104_729, radix: 36))wX"
    let shapes: [(String) -> String] = [
      { "\($0)-plain" }, { "with space \($0) end " }, { "q'u\"o`t\($0)e\\s" }, { "$HOME/$(id)/${\($0)}" },
      { "line one \($0)\nline two \($0)b\nlast" }, { "é🙂ü\($0)ß漢字" }, { "a=b&c=\($0)%20+%2F" },
      { "postgres://app:p%40ss\($0)@db.example.com:5432/app?x=1" }, { "{\"key\":\"\($0)\",\"n\":[1,2]}" },
      {
        "-----BEGIN KEY-----\n\($0)AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\($0)BBBB==\n-----END KEY-----\n"
      },
      { "#\($0) # no comment" }, { "!\($0)!!*?[a-z]~" }, { "\t\($0)\ttabs\t" }, { "<b>&amp;\($0)</b>" },
      { "--flag=\($0)" }, { "\\n\\t\($0)\\x41\\u0041" }, { "/\($0)/+/==" }, { "eyJ\($0).eyJ.sig_-" },
      { "\u{1B}[31m\($0)\u{7}" }, { "%s%d%n\($0)%@" },
    ]
    return shapes[index % shapes.count](core)
  }

  /// Written by others than what is tested.
  static func forms(of secret: String) -> [String] {
    let data = Data(secret.utf8)
    var forms = [secret, data.base64EncodedString()]
    forms.append(secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? secret)
    forms.append(secret.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? secret)
    forms += [[], JSONEncoder.OutputFormatting.withoutEscapingSlashes].compactMap { formatting in
      let encoder = JSONEncoder()
      encoder.outputFormatting = formatting
      return (try? encoder.encode(secret)).map {
        String(String(decoding: $0, as: UTF8.self).dropFirst().dropLast())
      }
    }
    forms.append(data.map { String(format: "%02x", $0) }.joined())
    forms.append(data.map { String(format: "%02X", $0) }.joined())
    forms.append(secret.replacingOccurrences(of: "'", with: "'\\''"))
    // A part of it tells as much.
    forms += secret.split(separator: "\n").map(String.init).filter { $0.utf8.count >= 12 }
    return Array(Set(forms)).filter { $0.utf8.count >= 8 }
  }
}

/// One project with secrets everywhere, and what its commands leave.
struct LeakHunt {
  let project: GitProject
  let secrets: [String: String]
  let sampler: ProcessSampler
  private let seen = Locked<[(what: String, bytes: Data)]>([])

  init(count: Int) async throws {
    let secrets = Dictionary(
      uniqueKeysWithValues: (0..<count).map { ("SECRET_\($0)", AwkwardSecrets.value($0)) })
    var project = try await GitProject()
    let names = secrets.keys.sorted()
    // One half from the environment, the other from a file.
    let lines = names.map { "      \($0): {secret: \($0)}" }.joined(separator: "\n")
    try project.change("environments/demo.yaml", "      API_KEY: {secret: DEMO_API_KEY}", lines)
    try project.change(
      "environments/demo.yaml", "provision: adopt\n",
      "provision: adopt\nsecrets:\n  sources: [environment, {dotenv: .env.demo, dialect: node}]\n")
    try project.change(
      "environments/demo.yaml", "run: [python3, -m, py_compile, app/server.py]", "run: [python3, app/look.py]"
    )
    // The application betrays all it has, and the command looks around for what it should not have.
    try project.change(
      "app/server.py", "print(f\"{ROLE} {REVISION[:7]} listens\", flush=True)",
      "[print(n, v.replace('\\n', ' '), v.encode().hex(), json.dumps(v), repr(v), flush=True) for n, v in os.environ.items() if n.startswith('SECRET_')]"
    )
    try project.write(
      "import os\nprint(dict(os.environ))\n", to: "app/look.py")
    try project.write(".shipit/\n__pycache__/\n.env.demo\n", to: ".gitignore")
    try await project.commit("betray")
    project.variables["TMPDIR"] = project.scratch.path + "/tmp"
    try FileManager.default.createDirectory(
      atPath: project.scratch.path + "/tmp", withIntermediateDirectories: true)
    let inFile = names.enumerated().filter { $0.offset % 2 == 1 }.map(\.element).filter { name in
      // What that file can hold in single quotes as it is.
      !(secrets[name] ?? "").contains { "'\u{1B}\u{7}".contains($0) }
    }
    let file = project.path + "/.env.demo"
    try inFile.map { "\($0)='\(secrets[$0] ?? "")'\n" }.joined().write(
      toFile: file, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    for name in names where !inFile.contains(name) { project.variables[name] = secrets[name] }
    self.project = project
    self.secrets = secrets
    sampler = ProcessSampler(binary: Checkout.binary, secrets: Array(secrets.values))
  }

  /// Runs the commands while processes are sampled.
  func run(all: Bool) async throws {
    // The twin gets no secret but by the API.
    var bare = project
    for name in secrets.keys { bare.variables[name] = nil }
    let twin = try await TwinProcess.start(for: bare)
    let sampling = sampler.start()
    do {
      try await commands(twin, all: all)
    } catch {
      sampling.cancel()
      await twin.stop()
      throw error
    }
    sampling.cancel()
    await sampling.value
    await twin.stop()
  }

  private func commands(_ twin: TwinProcess, all: Bool) async throws {
    var variables = twin.variables
    func shipit(_ arguments: String..., expecting codes: Set<Int32> = [0]) async throws {
      let result = try await project.shipit(arguments, variables: variables, timeout: .seconds(120))
      let what = arguments.joined(separator: " ")
      #expect(codes.contains(result.code), "\(what): \(result.code) \(result.text.suffix(2000))")
      seen.withLock { $0.append((what, Data(result.text.utf8))) }
    }
    try await shipit("secrets", "list", "demo")
    try await shipit("secrets", "list", "demo", "--json")
    try await shipit("plan", "demo", "--out", project.scratch.path + "/tmp/plan.json")
    try await shipit("deploy", "demo", "--yes")
    try await shipit("logs", "demo", "api", "--lines", "500")
    try await shipit("logs", "demo", "api", "--lines", "500", "--json")
    try await shipit("secrets", "diff", "demo")
    try await shipit("secrets", "diff", "demo", "--json")
    variables["SECRET_0"] = (secrets["SECRET_0"] ?? "") + "-rotated"
    try await shipit("secrets", "sync", "demo", "--yes")
    try await shipit("plan", "demo", "--json")
    // It starts, is refused by the gate, and is taken back.
    try project.change("app/server.py", "HEALTHY = True", "HEALTHY = False")
    try await project.commit("fail the gate")
    try await shipit("deploy", "demo", "--yes", expecting: [7])
    for arguments in [
      ["status", "demo", "--json"], ["why", "demo"], ["why", "demo", "--json"], ["doctor", "demo"],
    ] {
      let result = try await project.shipit(arguments, variables: variables)
      seen.withLock { $0.append((arguments.joined(separator: " "), Data(result.text.utf8))) }
    }
    variables["RAILWAY_API_TOKEN"] = secrets["SECRET_1"]
    try await shipit("plan", "demo", expecting: [4])
    variables["RAILWAY_API_TOKEN"] = twin.variables["RAILWAY_API_TOKEN"]
    guard all else { return }
    // A value stands where a command prints what it was given; one that no source has any more is known to nobody.
    try await shipit("deploy", "demo", "--yes", "--again", expecting: [7])
    try await shipit("hold", "demo", "--reason", "because of \(variables["SECRET_0"] ?? "")")
    for arguments in [
      ["status", "demo"], ["history", "demo", "--json"], ["deploy", "demo", "--yes"], ["unhold", "demo"],
      ["validate", "demo", "--json"], ["settle", "demo"], ["cancel", "demo"], ["finish", "demo"],
      ["rollback", "demo", "--yes"], ["state", "move", "demo", "git"], ["logs", "demo", "web", "--build"],
      ["explain", "secrets"], ["migrate", "status", "demo"], ["backup", "demo"],
      ["secrets", "generate", "demo", "SECRET_3"],
    ] {
      let result = try await project.shipit(arguments, variables: variables, timeout: .seconds(120))
      seen.withLock { $0.append((arguments.joined(separator: " "), Data(result.text.utf8))) }
    }
  }

  struct Found {
    var leaks: [String] = []
    var texts = 0
    var masked = 0
  }

  /// Looks for every form of every secret in what was printed and in every file but the source of secrets itself.
  func search() throws -> Found {
    var found = Found()
    var texts = seen.withLock { $0 }
    for directory in [project.path + "/.shipit", project.path + "/.git", project.scratch.path + "/tmp"] {
      for name in (FileManager.default.enumerator(atPath: directory)?.allObjects as? [String]) ?? [] {
        guard let bytes = FileManager.default.contents(atPath: directory + "/" + name) else { continue }
        texts.append((directory + "/" + name, bytes))
      }
    }
    found.texts = texts.count
    found.masked = texts.count { LeakHunt.contains($0.bytes, "[secret SECRET_") }
    for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) {
      for form in AwkwardSecrets.forms(of: secret) {
        for text in texts where LeakHunt.contains(text.bytes, form) {
          found.leaks.append("\(name) leaked as “\(form)” in \(text.what)")
        }
      }
    }
    found.leaks += sampler.leaks
    return found
  }

  static func contains(_ bytes: Data, _ text: String) -> Bool { bytes.range(of: Data(text.utf8)) != nil }
}

/// Looks again and again at every process: none has a secret among its arguments, and no child of shipit has one in
/// its environment.
final class ProcessSampler: Sendable {
  private struct State {
    var processes: Set<Int32> = []
    var leaks: Set<String> = []
  }

  private let binary: String
  private let secrets: [String]
  private let state = Locked(State())

  init(binary: String, secrets: [String]) {
    self.binary = binary
    self.secrets = secrets
  }

  var leaks: [String] { state.withLock { $0.leaks.sorted() } }
  /// How many were seen.
  var processes: Int { state.withLock { $0.processes.count } }

  func start() -> Task<Void, Never> {
    Task.detached {
      while !Task.isCancelled {
        self.look()
        try? await Task.sleep(for: .milliseconds(15))
      }
    }
  }

  private func look() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for process in names.compactMap(Int32.init) {
      // Gone by now, or somebody else's.
      guard let line = contents("/proc/\(process)/cmdline"), !line.isEmpty else { continue }
      let words = String(decoding: line, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
      let isShipit = words.hasPrefix(binary + " ")
      // A sanitizer starts one of its own, to name what it found.
      let isSymbolizer = !Checkout.sanitizerOptions.isEmpty && words.contains("llvm-symbolizer")
      let isChild = isShipit || isSymbolizer ? false : isOfShipit(process)
      guard isShipit || isChild else { continue }
      let environment = isChild ? contents("/proc/\(process)/environ") ?? Data() : Data()
      state.withLock { state in
        state.processes.insert(process)
        for (index, secret) in secrets.enumerated() {
          // What a test gives as an argument is not shipit's doing.
          if !isShipit, LeakHunt.contains(line, secret) {
            state.leaks.insert("secret \(index) among the arguments of \(words.prefix(60))")
          }
          if LeakHunt.contains(environment, secret) {
            state.leaks.insert("secret \(index) in the environment of \(words.prefix(60))")
          }
        }
      }
    }
  }

  /// A child of shipit, but not of the twin, whose children are the services that the secrets are for.
  private func isOfShipit(_ process: Int32) -> Bool {
    guard let status = contents("/proc/\(process)/status"),
      let parent = String(decoding: status, as: UTF8.self).split(separator: "\n").first(where: {
        $0.hasPrefix("PPid:")
      })?.split(separator: "\t").last, let line = contents("/proc/\(parent)/cmdline")
    else { return false }
    let words = String(decoding: line, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
    return words.hasPrefix(binary + " ") && !words.contains(" twin ")
  }

  private func contents(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }
}
