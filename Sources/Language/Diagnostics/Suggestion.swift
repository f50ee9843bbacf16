/// Finds what somebody probably meant.
package enum Suggestion {
  /// The candidate nearest to a word, if one is near enough to be worth naming.
  package static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let wanted = normalized(word)
    let limit = max(1, wanted.count / 3)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates where candidate != word {
      let distance = self.distance(wanted, normalized(candidate))
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// Lower case with hyphens, so that `preDeploy` and `pre_deploy` are `pre-deploy`.
  static func normalized(_ word: String) -> String {
    var text = ""
    var previous: Character?
    for character in word.prefix(64) {
      if character.isUppercase, let previous, previous.isLowercase { text += "-" }
      text += character == "_" || character == " " ? "-" : character.lowercased()
      previous = character
    }
    return text
  }

  /// Damerau–Levenshtein distance (adjacent letters may change places once).
  static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left)
    let right = Array(right)
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in 1...left.count {
      var row = [i]
      for j in 1...right.count {
        let cost = left[i - 1] == right[j - 1] ? 0 : 1
        var value = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
        if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
          value = min(value, beforeLast[j - 2] + 1)
        }
        row.append(value)
      }
      beforeLast = last
      last = row
    }
    return last[right.count]
  }
}
