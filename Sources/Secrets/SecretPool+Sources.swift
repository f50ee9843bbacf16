import Model

extension SecretPool {
  /// The one list of sources.
  /// - Parameter isLast: none stands after it.
  static func source(
    _ setting: SecretSettings.Source, _ earlier: EarlierSources, _ access: SecretAccess, isLast: Bool
  ) -> any SecretSource {
    switch setting {
    case .environment: EnvironmentSource(process: access.process, keepsEmpty: isLast)
    case .dotenv(let path, let dialect):
      DotenvSource(
        file: access.path(path), shown: path, dialect: DotenvDialect(rawValue: dialect) ?? .strict)
    case .command(let settings): CommandSource(settings, earlier, access)
    case .sops(let settings): SOPSSource(settings, earlier, access)
    case .vault(let settings): VaultSource(settings, earlier, access)
    case .aws(let settings): AWSSource(settings, access)
    case .doppler(let settings): DopplerSource(settings, earlier, access)
    }
  }
}
