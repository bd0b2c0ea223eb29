" Vim syntax file: scenes of echospec. Made from the list of steps by `cargo test --test docs`.
if exists("b:current_syntax")
  finish
endif
syntax iskeyword @,48-57,_,45
syntax keyword sceneKeyword a accept accepts again all as at blocked buffer by byte bytes child clients closes command connect connection connections connects descriptor descriptors direction each end ends environment exchanges exists exits fails file finds for from frozen full gets given gone half has holds idle in include is its killed left limit listens loses many mark message no nothing of offset parameter pattern peer prints processes processor program protocol queue read reader receive receives refused refuses removed repeat replaced reply request reset resets rest runs second send sends sent server socket standard start started starts terminal that thawed the threads time to together transport unnamed unread until up urgent uses with within zombie
syntax match sceneNumber "\<[0-9][0-9,.]*\(ms\|s\|min\)\?\>"
syntax match sceneSignal "\<\(SIG[A-Z0-9]\+\|[A-Z]\+_[A-Z0-9]\+\|ESTABLISHED\|CLOSING\)\>"
syntax match sceneName "{[a-z][a-z0-9_-]*}"
syntax match sceneEscape "\\\(x\x\x\|.\)" contained
syntax region sceneText start=+"+ skip=+\\.+ end=+"\|$+ contains=sceneEscape,sceneName
syntax match sceneComment "#.*$"
highlight default link sceneKeyword Keyword
highlight default link sceneNumber Number
highlight default link sceneSignal Constant
highlight default link sceneName Identifier
highlight default link sceneEscape SpecialChar
highlight default link sceneText String
highlight default link sceneComment Comment
let b:current_syntax = "echospec-scene"
