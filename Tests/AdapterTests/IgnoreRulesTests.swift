import Processes
import Testing

@testable import Source

@Suite(.timeLimit(.minutes(5)))
struct IgnoreRulesTests {
  /// Files of ignore rules that are each held against git itself.
  private static let rules = [
    "*.log", "/top", "dir/", "a/b", "**/deep", "deep/**", "a/**/z", "!a.log\n*.log", "*.log\n!a.log",
    "dir\n!dir/keep", "dir/*\n!dir/keep", "# comment\n\\#hash", "\\!bang", "trail   ", "trail\\ ", "x?z",
    "[ab].c",
    "[!ab].c", "[a-c]x", "[]x]", "[", "**", "*", "/**", "/*\n!/a", "**/", "*/z", "/a/*/z", "foo**bar",
    "a\\*b",
    "**/a/**", "dir//", "/", "//", " lead", "*.LOG", "a/**", "z/\n!z/", "tab\t", "?.c", "é?x",
    "[[:alpha:]].c", "[![:upper:]b].c", "[[:nope:]].c", "a//b",
  ]

  private static let paths = [
    "a.log", "b/a.log", "top", "b/top", "top/x", "dir", "dir/x", "dir/keep", "b/dir/x", "a/b", "c/a/b",
    "a/b/c",
    "deep", "x/deep", "x/y/deep/q", "deep/q/r", "a/z", "a/q/z", "a/q/r/z", "#hash", "!bang", "trail",
    "trail ",
    "xyz", "xz", "x/z", "a.c", "b.c", "c.c", "ax", "dx", "]", "x", "[", "z", "b/z", "foobar", "fooxbar",
    "foo/bar", "a*b", "axb", "b/a/c", " lead", "a.LOG", "z/y", "tab", "tab\t", "éèx", "1.c", "a",
  ]

  @Test func everyVerdictIsGits() async throws {
    let repository = try await ScratchRepository()
    for text in Self.rules {
      try repository.scratch.write(".gitignore", text + "\n")
      // Asked as paths that do not exist, hence files.
      let result = try await Launcher().run(
        ProcessSpecification(
          "git", ["check-ignore", "--no-index", "-z", "--stdin"], environment: ScratchRepository.environment,
          directory: repository.path, input: Array((Self.paths.joined(separator: "\0") + "\0").utf8)))
      let ignored = Set(result.text.split(separator: "\0").map(String.init))
      var rules = IgnoreRules()
      rules.add(text)
      for path in Self.paths {
        #expect(rules.ignores(path) == ignored.contains(path), "rules \(text.debugDescription), path \(path)")
      }
    }
  }

  @Test func rulesOfInnerFilesWinAndStayInside() {
    var rules = IgnoreRules()
    rules.add("*.log\n")
    rules.add("!a.log\n/x\r\n", base: "in/")
    #expect(rules.ignores("a.log") && rules.ignores("in/b.log") && rules.ignores("in/x"))
    #expect(!rules.ignores("in/a.log") && !rules.ignores("x") && !rules.ignores("in/in/x"))
  }

  @Test func aPatternFullOfStarsEndsSoon() {
    let pattern = GlobPattern(String(repeating: "**/*a*/", count: 30) + "b")
    let start = ContinuousClock.now
    #expect(!pattern.matches(String(repeating: "aaaaaaaa/", count: 60) + "c"))
    #expect(ContinuousClock.now - start < .seconds(2))
  }
}
