/** Calls of the native library, as coroutines wait for them. */

package io.tollway

import io.tollway.ffi.NativeCall
import io.tollway.ffi.NativeEngine
import io.tollway.ffi.NativeException
import io.tollway.ffi.startApart
import kotlin.coroutines.cancellation.CancellationException

/** An open file, as classes of verbs hold it. */
internal class Engine(val native: NativeEngine) {
    /** Calls a verb. A coroutine that is cancelled meanwhile gives the call up. */
    suspend fun <Arguments, Result> call(verb: Verb<Arguments, Result>, given: Arguments): Result =
        verb.decode(text(verb.name, verb.encode(given)))

    /** Calls a verb by its name, with arguments and a result as JSON. */
    suspend fun text(verb: String, arguments: String): String = awaited { native.start(verb, arguments) }
}

/** Calls a verb about files that nobody has open. What has begun on the disk goes on where the coroutine is cancelled. */
internal suspend fun <Arguments, Result> callApart(verb: Verb<Arguments, Result>, given: Arguments): Result =
    verb.decode(textApart(verb.name, verb.encode(given)))

internal suspend fun textApart(verb: String, arguments: String): String = awaited { startApart(verb, arguments) }

private suspend fun awaited(start: () -> NativeCall): String =
    start().use { call ->
        try {
            told { call.outcome() }
        } catch (cancelled: CancellationException) {
            call.cancel()
            throw cancelled
        }
    }

/** Does something natively, whose error is thrown as the exception of its kind. */
internal inline fun <T> told(work: () -> T): T =
    try {
        work()
    } catch (failure: NativeException.Failed) {
        throw exceptionOf(lenient.decodeFromString<ErrorInfo>(failure.info))
    }
