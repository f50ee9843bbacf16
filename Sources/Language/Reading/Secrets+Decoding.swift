import Model

extension SecretSettings.Source {
  /// - Parameter fields: have passed their shape; what was refused there is left out here.
  init?(fields: Fields) {
    if let path = fields["dotenv"]?.text {
      self = .dotenv(path: path, dialect: fields["dialect"]?.text ?? "strict")
    } else if let command = fields["command"] {
      self = .command(CommandSecrets(placed: command))
    } else if let sops = fields["sops"] {
      guard let path = sops.text ?? sops.fields?["file"]?.text else { return nil }
      self = .sops(
        SOPSSecrets(
          path: path, names: sops.fields.map(keyNames) ?? [:], keySecret: sops.fields?["key"]?.secret))
    } else if let vault = fields["vault"]?.fields {
      guard let settings = VaultSecrets(fields: vault) else { return nil }
      self = .vault(settings)
    } else if let aws = fields["aws"]?.fields {
      guard let region = aws["region"]?.text, let id = aws["id"]?.text else { return nil }
      self = .aws(
        AWSSecrets(
          region: region, id: id, name: aws["name"]?.text, names: keyNames(aws),
          stage: aws["stage"]?.text ?? "AWSCURRENT", role: aws["role"]?.text))
    } else if let doppler = fields["doppler"]?.fields {
      guard let token = doppler["token"]?.secret else { return nil }
      self = .doppler(
        DopplerSecrets(
          project: doppler["project"]?.text, config: doppler["config"]?.text, tokenSecret: token,
          names: keyNames(doppler)))
    } else {
      return nil
    }
  }
}

private func keyNames(_ fields: Fields) -> [String: String] {
  Dictionary(
    (fields["names"]?.map ?? []).compactMap { entry in entry.value.text.map { (entry.key, $0) } },
    uniquingKeysWith: { first, _ in first })
}

extension CommandSecrets {
  fileprivate init(placed: Placed) {
    guard let fields = placed.fields else {
      self.init(run: placed.list.compactMap(\.text))
      return
    }
    self.init(
      run: fields["run"]?.list.compactMap(\.text) ?? [], name: fields["name"]?.text, names: keyNames(fields),
      trim: fields["trim"]?.text.flatMap(SecretTrim.init(rawValue:)) ?? .newline,
      timeout: fields["timeout"]?.duration ?? .seconds(30),
      pass: fields["pass"]?.list.compactMap(\.text) ?? [])
  }
}

extension VaultSecrets {
  fileprivate init?(fields: Fields) {
    guard var address = fields["address"]?.text, let whole = fields["path"]?.text else { return nil }
    while address.hasSuffix("/") { address.removeLast() }
    let parts = whole.split(separator: "/").map(String.init)
    let written = fields["mount"]?.text.map { $0.split(separator: "/").map(String.init) }
    let mount = written ?? Array(parts.prefix(1))
    let path = parts.starts(with: mount) ? Array(parts.dropFirst(mount.count)) : parts
    let login: Login
    if let token = fields["token"]?.secret {
      login = .token(secret: token)
    } else if let role = fields["approle"]?.fields {
      guard let id = role["role"]?.secret, let secret = role["secret"]?.secret else { return nil }
      login = .appRole(role: id, secret: secret, mount: role["mount"]?.text ?? "approle")
    } else if let github = fields["github"]?.fields, let role = github["role"]?.text {
      login = .github(
        role: role, audience: github["audience"]?.text, mount: github["mount"]?.text ?? "jwt")
    } else {
      return nil
    }
    self.init(
      address: address, mount: mount.joined(separator: "/"), path: path.joined(separator: "/"),
      namespace: fields["namespace"]?.text, login: login, authorities: fields["authorities"]?.text,
      names: keyNames(fields))
  }
}
