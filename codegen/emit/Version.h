//===- Version.h - The versions that `gradus --version` prints ----------------===//

#pragma once

namespace gradus {

/// Of the tool; semantic versioning. CMakeLists.txt says the same number.
inline constexpr char gradusVersion[] = "0.1.0";
/// Of the manifest; raised whenever a field changes its meaning.
inline constexpr int manifestSchemaVersion = 1;

} // namespace gradus
