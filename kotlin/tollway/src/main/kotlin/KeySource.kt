/** Master keys that a platform's key store keeps. */

package io.tollway

import io.tollway.ffi.MasterKeySource
import io.tollway.ffi.SourceException

/**
 * Gives the master key, such as out of Android's key store. It is asked once for each opening.
 *
 * What it throws reaches the caller of `open` as an [InvalidRequestException] that has the exception's class and message, so
 * that these must hold no secret.
 */
public fun interface KeySource {
    /** Returns the key: 32 bytes as hexadecimal digits or base64, or a passphrase of at least 8 characters. */
    public fun masterKey(): String
}

internal class NativeKeySource(private val source: KeySource) : MasterKeySource {
    @Suppress("TooGenericExceptionCaught") // Nothing that is thrown may unwind into the native library.
    override fun masterKey(): String =
        try {
            source.masterKey()
        } catch (thrown: Throwable) {
            throw SourceException.Unavailable("${thrown.javaClass.simpleName}: ${thrown.message}")
        }
}
