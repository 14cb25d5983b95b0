-- GHC's threaded run time: many light threads over MVars, a time-out, an exception.
import Control.Concurrent
import Control.Exception
import Control.Monad
import System.Exit
import System.Timeout

main :: IO ()
main = do
  boxes <- forM [1 .. 200 :: Int] $ \n -> do
    box <- newEmptyMVar
    _ <- forkIO $ putMVar box $! sum [x * n | x <- [1 .. 1000]]
    return box
  results <- mapM takeMVar boxes
  print (sum results)
  t <- timeout 20000 (threadDelay 5000000)
  print t
  r <- try (evaluate (1 `div` (0 :: Int))) :: IO (Either ArithException Int)
  print r
  exitWith (ExitFailure 3)
