#include <socketserver/base/type_name.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <socketserver/base/text.hpp>

namespace socketserver::detail {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? name.get() : type.name();
}

std::string describe(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    const char* what = error.what();  // null where a user's class has it so
    return concat(type_name(typeid(error)), ": ", what != nullptr ? what : "(no description)");
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return concat("an exception of type ", type != nullptr ? type_name(*type) : "unknown");
  }
}

}  // namespace socketserver::detail
